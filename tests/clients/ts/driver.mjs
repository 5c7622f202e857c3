// What the two TypeScript drivers share. Scenario and report are those of ../driver.py: a line of JSON in, then one
// line of JSON out for each step as soon as it is over. `onerror` of the close line: what the SDK only said aside.

import { createInterface } from "node:readline";

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

export function headersOf(scenario) {
  const bearer = scenario.token ? { Authorization: `Bearer ${scenario.token}` } : {};
  return { ...bearer, ...scenario.headers };
}

// `open(scenario)` gives an unconnected SDK client, its transport, and what the two SDKs do differently: `version()`,
// `list()` and `call(params, options)`.
export async function run(open) {
  say({ do: "ready" });
  const scenario = JSON.parse((await input.next()).value);
  const session = open(scenario);
  const asides = [];
  session.client.onerror = (error) => asides.push(String(error));

  const connect = await told({ do: "connect" }, async () => {
    await session.client.connect(session.transport);
    return { protocolVersion: session.version(), server: session.client.getServerVersion()?.name ?? null };
  });
  if (!connect.error) {
    for (const step of scenario.steps) await take(step, session);
    await told({ do: "close", onerror: asides }, () => session.client.close());
  }
  process.exit(); // idle keep-alive connections would hold Node back
}

async function take(step, session) {
  switch (step.do) {
    case "list":
      return told({ do: "list" }, async () => {
        const { tools } = await session.list();
        return { tools: tools.map((tool) => tool.name) };
      });
    case "call":
      return call(step, session);
    case "wait":
      return new Promise((resolve) => setTimeout(resolve, step.seconds * 1000));
    case "pause":
      say({ do: "pause" });
      return input.next();
    default:
      throw new Error(`no step is called '${step.do}'`);
  }
}

function call(step, session) {
  const progress = [];
  const options = {};
  if (step.timeout) options.timeout = step.timeout * 1000;
  if (step.progress) options.onprogress = (event) => progress.push({ total: null, message: null, ...event });

  return told({ do: "call", name: step.name, progress }, async () => {
    const answer = await session.call({ name: step.name, arguments: step.arguments }, options);
    const texts = answer.content.filter((block) => block.type === "text").map((block) => block.text);
    return {
      text: texts.join("\n"),
      structuredContent: answer.structuredContent ?? null,
      isError: answer.isError ?? false,
    };
  });
}

// Says `line` with what `work` gives or the error that ended it, and the seconds it took.
async function told(line, work) {
  const since = performance.now();
  try {
    Object.assign(line, await work());
  } catch (error) {
    line.error = described(error);
  }
  line.seconds = Math.round(performance.now() - since) / 1000;
  say(line);
  return line;
}

function described(error) {
  const family = [...causes(error)];
  return {
    class: error.constructor.name,
    message: error.message,
    code: family.map(codeOf).find(Boolean),
    status: family.map(statusOf).find(Boolean),
    causes: family.slice(1).map(String),
  };
}

// SDK 1.x keeps the HTTP status where other errors have their JSON-RPC code.
const isHttpError = (error) => error.constructor.name === "StreamableHTTPError";
const codeOf = (error) => (isHttpError(error) ? undefined : error.code);
const statusOf = (error) => (isHttpError(error) ? error.code : error.status);

function* causes(error) {
  yield error;
  if (error.cause) yield* causes(error.cause);
}
