// The popup has done its part: the host learned everything on the server. A tab that was not opened by a script stays, with its text.
if (document.body.dataset.close === "yes") {
  window.close();
}
