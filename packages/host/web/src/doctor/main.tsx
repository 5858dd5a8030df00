import "@countersign/look/look.css";
import { render } from "preact";
import { createTheme } from "../theme.ts";
import "./doctor.css";
import { DoctorPage } from "./doctor-page.tsx";
import { createExamine } from "./examine.ts";

createTheme(window);
const examine = createExamine((input, init) => fetch(input, init));
const root = document.getElementById("app");
const address = new URLSearchParams(location.search).get("url")?.slice(0, 2048) ?? "";
const onAsked = (url: string): void => history.replaceState(null, "", `/doctor?url=${encodeURIComponent(url)}`);
if (root !== null) render(<DoctorPage examine={examine} address={address} onAsked={onAsked} />, root);
