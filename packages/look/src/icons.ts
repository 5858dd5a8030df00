/**
 * The one small icon set: 24 px grid, 1.75 px round strokes in `currentColor`, no fills but dots.
 * Each entry is the inside of an `<svg>`; {@link icon} wraps it for server-rendered pages.
 */
const shapes = {
  activity: '<path d="M3 12h4l3-8 4 16 3-8h4"/>',
  alert: '<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.5"/><path d="M12 17.2v.1"/>',
  arrow_left: '<path d="M19 12H5"/><path d="m11 6-6 6 6 6"/>',
  arrow_up: '<path d="M12 19V5"/><path d="m6 11 6-6 6 6"/>',
  bag: '<path d="M5 8h14l1 12H4z"/><path d="M8.5 10.5V7a3.5 3.5 0 0 1 7 0v3.5"/>',
  bank: '<path d="M3 9.5 12 4l9 5.5"/><path d="M4 20h16"/><path d="M6 10v7M10 10v7M14 10v7M18 10v7"/>',
  bell: '<path d="M6 16v-5a6 6 0 0 1 12 0v5l1.5 2h-15z"/><path d="M10 20.5a2.2 2.2 0 0 0 4 0"/>',
  calendar: '<rect x="4" y="5.5" width="16" height="15" rx="2"/><path d="M4 10.5h16M8.5 3v5M15.5 3v5"/>',
  card: '<rect x="3" y="5.5" width="18" height="13" rx="2.5"/><path d="M3 10h18M7 14.5h3"/>',
  chat: '<path d="M20 15.5a2 2 0 0 1-2 2H9.5L5 21v-3.5a1.5 1.5 0 0 1-1-2v-9a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2z"/>',
  check: '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
  check_circle: '<circle cx="12" cy="12" r="9"/><path d="m8 12.3 2.8 2.7L16 9.5"/>',
  chevron_down: '<path d="m6 9.5 6 6 6-6"/>',
  chevron_left: '<path d="m14.5 6-6 6 6 6"/>',
  chevron_right: '<path d="m9.5 6 6 6-6 6"/>',
  clock: '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.3l3.4 2"/>',
  close: '<path d="m6 6 12 12M18 6 6 18"/>',
  code: '<path d="m8 7-5 5 5 5M16 7l5 5-5 5"/>',
  copy: '<rect x="8.5" y="8.5" width="12" height="12" rx="2"/><path d="M15.5 5.5v-.2a1.8 1.8 0 0 0-1.8-1.8H5.3a1.8 1.8 0 0 0-1.8 1.8v8.4a1.8 1.8 0 0 0 1.8 1.8h.2"/>',
  countersign:
    '<path d="M4 17.5c2.6 0 3-2.2 4.7-6.7C10 7.3 11.2 5 12.8 5c2 0 1.4 3.3.2 6.3-1.3 3.2-2 6.2.3 6.2 1.5 0 2.5-1.4 3.3-2.8"/><path d="m16.2 17 2 2 3.3-4.5"/><path d="M3 21h10"/>',
  download: '<path d="M12 4v11"/><path d="m7 10.5 5 5 5-5"/><path d="M4.5 20h15"/>',
  edit: '<path d="m4 20 .8-4L16 4.800l3.2 3.200L8 19.200z"/><path d="m13.5 7.3 3.2 3.2"/>',
  expand: '<path d="M14 4h6v6M10 20H4v-6"/><path d="m20 4-6.5 6.500M4 20l6.5-6.5"/>',
  external:
    '<path d="M14 4h6v6"/><path d="m20 4-8.5 8.5"/><path d="M18 14v4.500a1.5 1.5 0 0 1-1.5 1.500h-11A1.5 1.5 0 0 1 4 18.500v-11A1.5 1.5 0 0 1 5.5 6H10"/>',
  globe:
    '<circle cx="12" cy="12" r="9"/><path d="M3 12h18"/><path d="M12 3c2.5 2.5 3.6 5.5 3.6 9s-1.1 6.5-3.6 9c-2.5-2.5-3.6-5.5-3.6-9S9.5 5.5 12 3z"/>',
  info: '<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5"/><path d="M12 7.700v.1"/>',
  key: '<circle cx="8" cy="15" r="4.5"/><path d="m11.3 11.7 8.2-8.200M16 7l3 3"/>',
  link: '<path d="M10 14a4 4 0 0 0 5.7 0l3.5-3.500a4 4 0 0 0-5.7-5.700l-1 1"/><path d="M14 10a4 4 0 0 0-5.7 0l-3.5 3.500a4 4 0 0 0 5.7 5.700l1-1"/>',
  list: '<path d="M8.5 6.500H20M8.5 12H20M8.5 17.500H20"/><path d="M4.3 6.500h.1M4.3 12h.1M4.3 17.500h.1"/>',
  lock: '<rect x="5" y="10.5" width="14" height="10" rx="2"/><path d="M8 10.500V8a4 4 0 0 1 8 0v2.5"/>',
  menu: '<path d="M4 7h16M4 12h16M4 17h16"/>',
  minus: '<path d="M5 12h14"/>',
  moon: '<path d="M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10z"/>',
  more: '<path d="M5.5 12h.1M12 12h.1M18.5 12h.1" stroke-width="2.6"/>',
  panel_left: '<rect x="3.5" y="4.5" width="17" height="15" rx="2.5"/><path d="M9.5 4.500v15"/>',
  panel_right: '<rect x="3.5" y="4.5" width="17" height="15" rx="2.5"/><path d="M14.5 4.500v15"/>',
  passkey:
    '<circle cx="9" cy="8" r="4"/><path d="M2.5 20c.3-3.8 2.9-6 6.5-6 1.2 0 2.3.2 3.2.7"/><circle cx="17.5" cy="13" r="2.5"/><path d="M17.5 15.500V21l1.8-1.600M17.5 18.300l1.5-1"/>',
  phone: '<rect x="6.5" y="2.5" width="11" height="19" rx="2.5"/><path d="M11 18.500h2"/>',
  plug: '<path d="M9 3v5M15 3v5"/><path d="M6 8h12v3.500a6 6 0 0 1-12 0z"/><path d="M12 17.500V21"/>',
  plus: '<path d="M12 5v14M5 12h14"/>',
  qr: '<rect x="4" y="4" width="6" height="6" rx="1"/><rect x="14" y="4" width="6" height="6" rx="1"/><rect x="4" y="14" width="6" height="6" rx="1"/><path d="M14 14h2.500v2.500M20 14v.1M20 20h-3.500M14 20v-.5M20 17v.1"/>',
  receipt: '<path d="M5.5 3.500h13v17l-2.2-1.5-2.1 1.5-2.2-1.5-2.2 1.5-2.1-1.5-2.2 1.500z"/><path d="M9 8.500h6M9 12.500h6"/>',
  refresh: '<path d="M20 5v5h-5"/><path d="M19.5 10A8 8 0 1 0 20 13.5"/>',
  search: '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
  shield: '<path d="M12 3 4.5 6v5.500c0 4.5 3 8 7.5 9.5 4.5-1.5 7.5-5 7.5-9.500V6z"/><path d="m8.5 11.8 2.5 2.5 4.5-4.8"/>',
  sign_out: '<path d="M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4"/><path d="M10 12h10.5"/><path d="m16.5 8 4 4-4 4"/>',
  sliders: '<path d="M4 7.500h8M18 7.500h2M4 16.500h2M12 16.500h8"/><circle cx="15" cy="7.5" r="2.5"/><circle cx="9" cy="16.5" r="2.5"/>',
  spark: '<path d="M12 3.500c.8 5 3.5 7.7 8.5 8.5-5 .8-7.7 3.5-8.5 8.5-.8-5-3.5-7.7-8.5-8.5 5-.8 7.7-3.5 8.5-8.500z"/>',
  stop: '<rect x="6.5" y="6.5" width="11" height="11" rx="2"/>',
  store:
    '<path d="M4.5 10.500V20h15v-9.5"/><path d="M5 4h14l2 5.500a2.8 2.8 0 0 1-4.8 1.300A2.9 2.9 0 0 1 12 11a2.9 2.9 0 0 1-4.2-.2A2.8 2.8 0 0 1 3 9.500z"/><path d="M10 20v-5h4v5"/>',
  sun: '<circle cx="12" cy="12" r="4"/><path d="M12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M5.3 18.700l1.4-1.400M17.3 6.700l1.4-1.4"/>',
  theme_auto: '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.500v17a8.5 8.5 0 0 0 0-17z" fill="currentColor"/>',
  tool: '<path d="M14.5 6.500a4 4 0 0 1 5-2.200L17 6.800l.3 2 2 .3 2.3-2.400a4.5 4.5 0 0 1-6 5.400L8 19.700a2.1 2.1 0 0 1-3-3l7.5-7.500a4.5 4.5 0 0 1 2-2.700z"/>',
  trash: '<path d="M4 6.500h16M9.5 6.500V4h5v2.500M6 6.500l1 14h10l1-14"/><path d="M10 10.500v6M14 10.500v6"/>',
  user: '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.500c.5-4 3.4-6 7.5-6s7 2 7.5 6"/>',
  wallet:
    '<path d="M18.5 8V6a1.5 1.5 0 0 0-1.5-1.500H5.500A2 2 0 0 0 3.5 6.500v11a2 2 0 0 0 2 2H19a1.5 1.5 0 0 0 1.5-1.500V9.500A1.5 1.5 0 0 0 19 8H5.500a2 2 0 0 1-2-1.5"/><path d="M16.5 13.700h.1" stroke-width="2.4"/>',
} as const;

export type IconName = keyof typeof shapes;

/** The inside of each icon's `<svg viewBox="0 0 24 24">`, for front ends that build the element themselves. */
export const iconShapes: Readonly<Record<IconName, string>> = shapes;

/**
 * A whole `<svg>` as markup, hidden from assistive technology: the text beside it, or the control's label, says what it means.
 * `className` is added to `icon` (such as `icon-small`); it is a literal of the calling page, never outside input.
 */
export function icon(name: IconName, className = ""): string {
  const classes = className === "" ? "icon" : `icon ${className}`;
  return `<svg class="${classes}" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${shapes[name]}</svg>`;
}
