// Which program is started: never one that a workspace holds.
import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { test } from "node:test";
import { pythonEnvironment } from "../src/server/environment";
import { findPython, findServer, ISOLATED, type Files, type Where } from "../src/server/find";

const WORK = "/home/me/work";

function machine(programs: readonly string[], links: Readonly<Record<string, string>> = {}): Files {
  return { runs: (path) => programs.includes(path), real: (path) => links[path] ?? path };
}

function where(given: Partial<Where>): Where {
  return { python: "", path: ["/opt/bin", "/usr/bin"].join(delimiter), managed: "/store/environment/bin/python", folders: [WORK], windows: false, ...given };
}

test("the user's setting comes first, and is isolated", () => {
  const files = machine(["/venv/bin/python", "/usr/bin/tallystick"]);
  assert.deepEqual(findServer(where({ python: " /venv/bin/python " }), files), { command: "/venv/bin/python", args: ISOLATED, from: "the setting tallystick.python" });
});

test("a name in the setting is looked up; what is not there is said, and nothing else is tried", () => {
  const files = machine(["/usr/bin/python3.12", "/usr/bin/tallystick"]);
  assert.equal("command" in findServer(where({ python: "python3.12" }), files), true);
  for (const python of ["python3.99", "./python", "venv/bin/python", "/not/there"]) {
    const found = findServer(where({ python }), files);
    assert.ok("missing" in found && found.missing.includes(python), python);
  }
});

test("then the PATH, then the environment that was made", () => {
  const made = "/store/environment/bin/python";
  assert.deepEqual(findServer(where({}), machine(["/usr/bin/tallystick", made])), { command: "/usr/bin/tallystick", args: [], from: "the PATH" });
  const found = findServer(where({}), machine([made]));
  assert.ok("command" in found && found.command === made && found.args === ISOLATED);
  assert.ok("missing" in findServer(where({}), machine([])));
});

test("relative and empty entries of the PATH are left out, and those inside a workspace", () => {
  for (const entry of ["", ".", "bin", "./node_modules/.bin", "..", WORK, `${WORK}/.venv/bin`, `${WORK}/../work/bin`]) {
    const files: Files = { runs: (path) => path.endsWith("/tallystick"), real: (path) => path };
    assert.ok("missing" in findServer(where({ path: entry }), files), entry);
  }
  const beside = findServer(where({ path: `${WORK}-tools/bin` }), machine([`${WORK}-tools/bin/tallystick`]));
  assert.ok("command" in beside, "a folder beside it, whose name begins alike, is another folder");
});

test("links are followed: into a workspace nothing leads", () => {
  const programs = ["/opt/bin/tallystick", "/opt/bin/python3", "/usr/bin/tallystick"];
  const byFile = machine(programs, { "/opt/bin/tallystick": `${WORK}/evil` });
  assert.deepEqual(findServer(where({}), byFile), { command: "/usr/bin/tallystick", args: [], from: "the PATH" });
  const byFolder = machine(programs, { "/opt/bin": `${WORK}/bin` });
  assert.deepEqual(findServer(where({}), byFolder), { command: "/usr/bin/tallystick", args: [], from: "the PATH" });
  const byWorkspace = machine(programs, { [WORK]: "/opt" });
  assert.deepEqual(findServer(where({}), byWorkspace), { command: "/usr/bin/tallystick", args: [], from: "the PATH" });
  assert.equal(findPython(where({}), byFolder), undefined);
});

test("on Windows only programs are programs", () => {
  const found: string[] = [];
  findServer(where({ windows: true }), { runs: (path) => (found.push(path), false), real: (path) => path });
  assert.ok(found.filter((path) => path.includes("tallystick")).every((path) => path.endsWith(".exe")));
});

test("no variable of Python reaches the server", () => {
  const made = pythonEnvironment({ PATH: "/usr/bin", PYTHONPATH: WORK, PYTHONHOME: WORK, pythonstartup: "x", OPENAI_API_KEY: "k" });
  assert.deepEqual(made, { PATH: "/usr/bin", OPENAI_API_KEY: "k", PYTHONSAFEPATH: "1", PYTHONUNBUFFERED: "1" });
});
