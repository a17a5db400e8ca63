// The environment of a Python that we start. Pure.

/** Without what would let a variable put code or another home on Python's path; `-I` does the same where it is given. */
export function pythonEnvironment(from: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(from).filter(([name]) => !/^PYTHON/i.test(name));
  return { ...Object.fromEntries(kept), PYTHONSAFEPATH: "1", PYTHONUNBUFFERED: "1" };
}
