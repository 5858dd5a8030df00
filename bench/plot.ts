import { type JudgedRatio, judgeRatios, type Results } from "./report.ts";
import { roundFigure } from "./scenario.ts";

const width = 960;
const labelWidth = 430;
const valueWidth = 190;
const rowHeight = 24;
const top = 56;
/** Decades shown on either side of the goal. */
const decades = 2;

/**
 * Plots every ratio against its goal as an SVG: the goal is the line in the middle, a bar to the left keeps it, one to the right misses it, on a logarithmic scale
 * of a hundredth to a hundred times the goal.
 */
export function plotGoals(machine: string, results: Results): string {
  const ratios = judgeRatios(results);
  const bottom = top + ratios.length * rowHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 40}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="16" y="22" font-size="15">Ratios against their goals</text>`,
    `<text x="16" y="40" fill="#555">${escapeXml(machine)}</text>`,
    ...ratios.flatMap((each, index) => plotBar(each, top + index * rowHeight)),
    ...[-2, -1, 0, 1, 2].map((decade) => plotTick(decade, bottom)),
    "</svg>\n",
  ].join("\n");
}

function plotBar({ scenario, ratio, goal, isKept, distance }: JudgedRatio, y: number): readonly string[] {
  const [middle, end] = [positionOf(1), positionOf(distance)];
  const [x, length] = [Math.min(middle, end), Math.abs(end - middle)];
  const middleOfRow = y + rowHeight / 2 + 4;
  const verdict = `${String(roundFigure(ratio.value))} (${goal}) ${isKept ? "kept" : "missed"}`;
  return [
    `<text x="${labelWidth - 10}" y="${middleOfRow}" text-anchor="end">${escapeXml(`${scenario}: ${ratio.name}`)}</text>`,
    `<rect x="${x.toFixed(1)}" y="${y + 4}" width="${Math.max(1, length).toFixed(1)}" height="${rowHeight - 8}" fill="${isKept ? "#2f7d4f" : "#b3402e"}"/>`,
    `<text x="${width - valueWidth + 10}" y="${middleOfRow}">${escapeXml(verdict)}</text>`,
  ];
}

function plotTick(decade: number, bottom: number): string {
  const x = positionOf(10 ** decade).toFixed(1);
  const line = `<line x1="${x}" y1="${top}" x2="${x}" y2="${bottom}" stroke="${decade === 0 ? "#111" : "#ddd"}"/>`;
  const label = decade === 0 ? "goal" : `${decade < 0 ? "1/" : ""}${10 ** Math.abs(decade)} x`;
  return `${line}<text x="${x}" y="${bottom + 18}" text-anchor="middle" fill="#555">${label}</text>`;
}

/** Where a distance from the goal is; what is not a number stands at the far right, as missed. */
function positionOf(distance: number): number {
  const [left, right] = [labelWidth, width - valueWidth];
  const exponent = Number.isFinite(distance) ? Math.log10(Math.max(distance, Number.MIN_VALUE)) : decades;
  return left + ((Math.min(decades, Math.max(-decades, exponent)) + decades) / (2 * decades)) * (right - left);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
