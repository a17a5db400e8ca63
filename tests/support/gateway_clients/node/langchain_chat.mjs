// LangChain.js at a gateway. Knows none of our code.
// Reads BASE_URL (with /v1), API_KEY and MODEL. Prints JSON: what was heard, and the tokens that the client itself was told.
import { readFileSync } from "node:fs";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";

const heard = [];
const told = { input: 0, output: 0 };

function add(message) {
  told.input += message.usage_metadata.input_tokens;
  told.output += message.usage_metadata.output_tokens;
}

const chat = new ChatOpenAI({
  model: process.env.MODEL,
  apiKey: process.env.API_KEY,
  configuration: { baseURL: process.env.BASE_URL },
  maxRetries: 0,
});
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const weather = tool(({ city }) => `Sunny in ${city}.`, { name: "weather", description: "Tells it.", schema });
const withTools = chat.bindTools([weather]);
const messages = [new HumanMessage("How is the weather in Zürich?")];
const first = await withTools.invoke(messages);
add(first);
messages.push(first);
for (const call of first.tool_calls) {
  heard.push(`${call.name} ${call.args.city}`);
  messages.push(new ToolMessage({ content: await weather.invoke(call.args), tool_call_id: call.id }));
}
const last = await withTools.invoke(messages);
add(last);
heard.push(last.text);

let whole;
for await (const piece of await chat.stream("Say it in pieces.")) whole = whole ? whole.concat(piece) : piece;
add(whole);
heard.push(whole.text);
const described = new URL("./node_modules/@langchain/openai/package.json", import.meta.url);
console.log(JSON.stringify({ heard, told, version: JSON.parse(readFileSync(described)).version }));
