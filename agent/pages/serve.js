"use strict";
// The page of `doable serve`. Texts are set as text, never as markup. The token stays in this tab's session.
const $ = (id) => document.getElementById(id);
let open = null; // the task that is shown
let reading = null; // stops reading its events

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  const token = sessionStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  if (options.body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) $("lock").hidden = false;
  return answer;
}

async function told(path, options) {
  const answer = await ask(path, options);
  const data = await answer.json();
  $("said").textContent = answer.ok ? "" : typeof data.detail === "string" ? data.detail : JSON.stringify(data.detail);
  return answer.ok ? data : null;
}

const post = (path, body) => told(path, { method: "POST", body: body === undefined ? undefined : JSON.stringify(body) });

function make(tag, text, kind) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

async function list() {
  const data = await told("v1/tasks?limit=50");
  if (!data) return;
  $("tasks").replaceChildren(...data.tasks.map((task) => {
    const row = make("li");
    const link = make("a", task.goal);
    link.href = `#${task.id}`;
    row.append(link, " ", make("span", task.status ?? task.state, `dim ${task.status ?? task.state}`));
    return row;
  }));
}

async function show(id) {
  reading?.abort();
  open = id;
  $("run").hidden = !id;
  $("turns").replaceChildren();
  $("camera").hidden = true;
  if (!id || !(await head())) return;
  const mine = (reading = new AbortController());
  let last = 0;
  while (open === id && !mine.signal.aborted) {
    try {
      last = await read(id, last, mine.signal);
      await head();
      if (over) return;
    } catch (error) {
      if (mine.signal.aborted) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000)); // the server is away: come back, after the last event heard
  }
}

let over = false;
async function head() {
  const task = await told(`v1/tasks/${open}`);
  if (!task) return null;
  over = ["ended", "cancelled", "failed"].includes(task.state);
  $("title").textContent = task.goal;
  $("state").textContent = task.status ?? task.state;
  $("state").className = `chip ${task.status ?? task.state}`;
  $("reason").textContent = task.reason ?? "";
  $("cancel").hidden = over || task.stopping;
  $("resume").hidden = !["cancelled", "failed"].includes(task.state);
  asked(task);
  $("files").replaceChildren(...task.artefacts.map((name) => {
    const link = make("button", name);
    link.addEventListener("click", () => fetchFile(task.id, name));
    return link;
  }));
  if (over) $("camera").hidden = true;
  return task;
}

// What the task that is shown asks, with a button for each answer; once pressed, they are gone.
function asked(task) {
  const question = task.state === "waiting" && !task.stopping ? task.question : null;
  $("question").hidden = !question;
  if (!question) return;
  if ($("what").textContent === question.text && $("options").querySelector("input")) return; // somebody is writing
  $("what").textContent = question.text;
  const approve = question.kind === "approve";
  if (!approve && question.options.length === 0) return inWords(task);
  $("options").replaceChildren(...[...question.options, ...(approve ? [] : ["none"])].map((option) => {
    const button = make("button", option);
    button.addEventListener("click", async () => {
      $("question").hidden = true;
      await post(`v1/tasks/${task.id}/${question.kind}`, approve ? { yes: option === "yes" } : { answer: option });
      head();
    });
    return button;
  }));
}

// A question that is answered in words of one's own.
function inWords(task) {
  const form = make("form", undefined, "ask");
  const words = make("input");
  words.setAttribute("aria-label", "Your answer");
  words.maxLength = 2000;
  words.required = true;
  form.append(words, make("button", "Answer"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    $("question").hidden = true;
    form.remove();
    await post(`v1/tasks/${task.id}/answer`, { answer: words.value });
    head();
  });
  $("options").replaceChildren(form);
}

async function fetchFile(id, name) {
  const answer = await ask(`v1/tasks/${id}/artefacts/${name}`);
  if (!answer.ok) return;
  const link = make("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
}

// Server-sent events by fetch, for EventSource can't send a token. Gives the id of the last event.
async function read(id, last, signal) {
  const answer = await ask(`v1/tasks/${id}/events`, { headers: { "Last-Event-ID": String(last) }, signal });
  if (!answer.ok) throw new Error(answer.statusText);
  const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await lines.read();
    if (done) return last;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
      if (!event.id) continue;
      last = Number(event.id);
      if (open === id) happened(event.event, JSON.parse(event.data));
    }
  }
}

function happened(kind, data) {
  if (kind === "chose" || kind === "step") card(data);
  if (["began", "waiting", "approved", "answered", "ended", "cancelled", "failed", "stopping", "queued"].includes(kind)) {
    head();
    list();
  }
}

function card(turn) {
  const section = make("section", undefined, "card");
  section.id = `turn-${turn.turn}`;
  const top = make("div", undefined, "head");
  const good = turn.check && ["continue", "finished"].includes(turn.check.then);
  top.append(make("span", turn.turn, "dim"), make("h3", turn.phrase ?? { finish: "done", refuse: "say that it is not possible", stop: "stop", ask: "ask you" }[turn.kind]));
  if (turn.outcome) top.append(make("span", `${turn.outcome.status}: ${turn.outcome.reason}, ${turn.outcome.seconds.toFixed(1)} s`, `chip ${good ? "good" : "bad"}`));
  section.append(top, make("p", turn.sees), bars(turn.candidates));
  for (const text of turn.recalled) section.append(make("p", `recalled: ${text}`, "dim"));
  if (turn.check) section.append(make("p", `${good ? "✓" : "✗"} ${turn.check.explanation}`, good ? "good" : "bad"));
  const before = $(section.id);
  if (before) before.replaceWith(section);
  else $("turns").prepend(section);
}

function bars(rows) {
  const table = make("table", undefined, "weighed");
  const names = make("tr");
  for (const name of ["skill", "say", "can", "say × can"]) names.append(make("th", name));
  table.append(names);
  for (const row of rows) {
    const line = make("tr", undefined, row.masked ? "masked" : row.chosen ? "chosen" : "");
    line.append(make("td", row.phrase));
    for (const kind of ["say", "can", "both"]) {
      const cell = make("td");
      const meter = make("span", undefined, `meter ${kind}`);
      const track = make("i");
      const fill = make("b");
      fill.style.width = `${100 * row[kind]}%`;
      track.append(fill);
      meter.append(track, row[kind].toFixed(2));
      cell.append(meter);
      line.append(cell);
    }
    table.append(line);
  }
  return table;
}

// The camera, while the task that is shown is at work.
async function watch() {
  if (open && !over && !document.hidden && $("lock").hidden) {
    const answer = await ask(`v1/tasks/${open}/camera`).catch(() => null);
    if (answer?.status === 200) {
      const old = $("camera").src;
      $("camera").src = URL.createObjectURL(await answer.blob());
      $("camera").hidden = false;
      if (old) URL.revokeObjectURL(old);
    }
  }
  setTimeout(watch, 400);
}

$("new").addEventListener("submit", async (event) => {
  event.preventDefault();
  const task = await post("v1/tasks", { goal: $("goal").value, mode: $("mode").value });
  if (!task) return;
  $("goal").value = "";
  await list();
  location.hash = task.id;
});
$("lock").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  $("token").value = "";
  $("lock").hidden = true;
  list();
});
$("cancel").addEventListener("click", async () => { await post(`v1/tasks/${open}/cancel`); head(); });
$("resume").addEventListener("click", async () => { await post(`v1/tasks/${open}/resume`); show(open); });
addEventListener("hashchange", () => show(location.hash.slice(1)));
list();
show(location.hash.slice(1));
watch();
setInterval(list, 5000);
