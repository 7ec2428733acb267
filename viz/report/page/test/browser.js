// A report in Debian's Chromium, opened from a file as a reader would, with everything it asks for and complains about written down.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { fill, makeReport } from "./synthetic.js";

const here = dirname(fileURLToPath(import.meta.url));
export const pagePath = process.env.PAGE_UNDER_TEST || join(here, "../dist/report.html");
export const page = () => readFileSync(pagePath, "utf8");

// Starts a browser; close() ends it and removes its files. PAGE_SHOTS names a folder that keeps the pictures of shoot().
export async function start() {
  const folder = mkdtempSync(join(tmpdir(), "limpid-page-"));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--force-color-profile=srgb"],
  });
  let files = 0;
  // Opens a report (a whole one, or what `change` made of it, or null) and returns playwright's page with `.requests` and `.errors`.
  async function open({ report = makeReport(), phone = false, html = null, ...options } = {}) {
    const file = join(folder, `report-${files++}.html`);
    writeFileSync(file, html ?? fill(page(), report));
    const context = await browser.newContext({
      viewport: phone ? { width: 360, height: 720 } : { width: 1280, height: 900 },
      hasTouch: phone, isMobile: phone, acceptDownloads: true, ...options,
    });
    const tab = await context.newPage();
    tab.requests = [];
    tab.errors = [];
    tab.on("request", (request) => tab.requests.push(request.url()));
    tab.on("pageerror", (error) => tab.errors.push(String(error)));
    tab.on("console", (message) => ["error", "warning"].includes(message.type()) && tab.errors.push(message.text()));
    tab.setDefaultTimeout(60000);  // machines are shared
    tab.address = pathToFileURL(file).href;
    await tab.goto(tab.address);
    return tab;
  }
  async function close() {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return { open, close };
}

// Scrolls a figure into sight and waits until it is there: they are drawn when they come near.
export async function figure(tab, id) {
  const section = tab.locator(`#${id}`);
  await section.evaluate((node) => node.scrollIntoView({ block: "center" }));
  await section.locator(".body").waitFor();
  await section.evaluate((node) => Promise.all([...node.querySelectorAll("img")].map((image) => image.decode().catch(() => {}))));
  return section;
}

// Draws all figures at once, as printing does.
export async function drawAll(tab) {
  await tab.evaluate(() => dispatchEvent(new Event("beforeprint")));
  await tab.waitForFunction(() => document.querySelector(".loading") === null);
}

// Moves the mouse to cell (y, x) of a surface of rows x columns; returns the point.
export async function point(tab, surface, [y, x], [rows, columns]) {
  await surface.evaluate((node) => node.scrollIntoView({ block: "center" }));
  const box = await surface.boundingBox();
  const place = { x: box.x + ((x + 0.5) / columns) * box.width, y: box.y + ((y + 0.5) / rows) * box.height };
  await tab.mouse.move(place.x, place.y);
  return place;
}
export const away = (tab) => tab.mouse.move(2, 400);

// The grey values of the heat map inside an element: rows of numbers, or null where there is none.
export const heat = (element) =>
  element.evaluate((node) => {
    const canvas = node.querySelector("canvas.heat");
    if (!canvas) return null;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: canvas.height }, (_, y) => Array.from({ length: canvas.width }, (_, x) => data[4 * (y * canvas.width + x)]));
  });
// Where a map is brightest, [y, x].
export function brightest(rows) {
  let best = [0, 0];
  rows.forEach((row, y) => row.forEach((value, x) => value > rows[best[0]][best[1]] && (best = [y, x])));
  return best;
}
// What a canvas shows, as text that is equal for equal pictures.
export const pixels = (canvas) => canvas.evaluate((node) => node.toDataURL());

// What is in sight, as a picture: scrolling to a part would move it away under the mouse.
export async function shoot(tab, name) {
  if (process.env.PAGE_SHOTS) await tab.screenshot({ path: join(process.env.PAGE_SHOTS, `${name}.png`) });
}
