// What the page does: tabs, charts in the reader's colours, and text that tells its bits. Nothing is loaded.
const root = document.documentElement;
const darkGround = matchMedia("(prefers-color-scheme: dark)");
const readJson = (id) => JSON.parse(document.getElementById(id).textContent);

// Tabs, after the ARIA authoring practices: one of them is in the tab order, arrow keys go round.
function selectTab(tab) {
  for (const other of tab.parentElement.children) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
}

function moveTab(event) {
  const tabs = [...event.currentTarget.children];
  const at = tabs.indexOf(document.activeElement);
  const goals = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 };
  if (at < 0 || !(event.key in goals)) return;
  event.preventDefault();
  const next = tabs.at(goals[event.key] % tabs.length);
  selectTab(next);
  next.focus();
}

for (const list of document.querySelectorAll("[role=tablist]")) {
  selectTab(list.firstElementChild);
  list.addEventListener("click", (event) => event.target.closest("[role=tab]") && selectTab(event.target.closest("[role=tab]")));
  list.addEventListener("keydown", moveTab);
}
root.classList.add("scripted");

// Charts: drawn as SVG, with labels for screen readers, and again when the ground changes.
const figures = readJson("figures");
const looks = readJson("looks");
const scheme = () => root.dataset.scheme || (darkGround.matches ? "dark" : "light");
let drawing = Promise.resolve();

async function drawCharts() {
  const now = scheme();
  const narrow = root.clientWidth < 600;
  const look = looks[now];
  const axis = { ...look.axis, labelLimit: narrow ? root.clientWidth / 3.2 : look.axis.labelLimit };
  const legend = { ...look.legend, columns: narrow ? 2 : look.legend.columns, labelLimit: narrow ? root.clientWidth / 3 : look.legend.labelLimit };
  for (const place of document.querySelectorAll("[data-figure]")) {
    const spec = { ...figures[place.dataset.figure], width: "container", autosize: { type: "fit-x", contains: "padding" } };
    const options = {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      ast: true, // expressions are interpreted: the page's policy allows no eval
      defaultStyle: false,
      config: { ...look, axis, legend },
      tooltip: { disableDefaultStyle: true },
    };
    await window.embedChart(place, spec, options);
  }
  root.dataset.drawn = now;
}
const redraw = () => (drawing = drawing.then(drawCharts));

const button = document.getElementById("scheme");
function labelButton() {
  button.textContent = scheme() === "dark" ? "Light" : "Dark";
  button.setAttribute("aria-label", `Show on ${button.textContent.toLowerCase()} ground`);
}
button.addEventListener("click", () => {
  root.dataset.scheme = scheme() === "dark" ? "light" : "dark";
  labelButton();
  redraw();
});
darkGround.addEventListener("change", () => {
  labelButton();
  redraw();
});
button.hidden = false;
labelButton();

// Text by surprise: a mark a character. The pointer or the arrow keys choose one; its bits are told above.
const shown = { "\n": "new line", "\t": "tab", " ": "space" };

function fillText(box) {
  const { characters, bits, start } = readJson(box.dataset.text);
  const marks = characters.map((character, number) => {
    const mark = document.createElement("span");
    mark.className = `s${Math.min(8, Math.round(bits[number]))}`;
    mark.textContent = character;
    return mark;
  });
  box.append(...marks);
  const readout = box.parentElement.querySelector(".readout");
  let at = -1;

  function tellWord(number) {
    if (/\s/.test(characters[number])) return "";
    let [from, to] = [number, number];
    while (from > 0 && !/\s/.test(characters[from - 1])) from--;
    while (to < characters.length - 1 && !/\s/.test(characters[to + 1])) to++;
    const sum = bits.slice(from, to + 1).reduce((one, other) => one + other, 0);
    return ` · ${characters.slice(from, to + 1).join("")}: ${sum.toFixed(1)} bits, ${(sum / (to - from + 1)).toFixed(2)} a character`;
  }

  function choose(number, scroll) {
    if (number < 0 || number >= marks.length) return;
    marks[at]?.classList.remove("at");
    at = number;
    marks[at].classList.add("at");
    if (scroll) marks[at].scrollIntoView({ block: "nearest" });
    const name = shown[characters[at]] ?? characters[at];
    readout.textContent = `${name}: ${bits[at].toFixed(2)} bits${tellWord(at)}`;
  }

  const lineEnd = (from, step) => {
    let number = from + step;
    while (number >= 0 && number < characters.length && characters[number] !== "\n") number += step;
    return number;
  };
  box.addEventListener("mouseover", (event) => event.target !== box && choose(marks.indexOf(event.target), false));
  box.addEventListener("keydown", (event) => {
    const goals = {
      ArrowRight: () => at + 1,
      ArrowLeft: () => Math.max(0, at - 1),
      ArrowDown: () => Math.min(characters.length - 1, lineEnd(at, 1) + 1),
      ArrowUp: () => lineEnd(lineEnd(at, -1), -1) + 1,
      Home: () => 0,
      End: () => characters.length - 1,
    };
    if (!(event.key in goals)) return;
    event.preventDefault();
    choose(goals[event.key](), true);
  });
}
document.querySelectorAll("[data-text]").forEach(fillText);
redraw();
