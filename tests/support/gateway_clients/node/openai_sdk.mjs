// OpenAI's client for JavaScript at a gateway. Knows none of our code.
// Reads BASE_URL (with /v1), API_KEY and MODEL. Prints JSON: what was heard, and the tokens that the client itself was told.
import OpenAI from "openai";
import { VERSION } from "openai/version";

const model = process.env.MODEL;
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 });
const heard = [];
const told = { input: 0, output: 0 };

function add(usage) {
  told.input += usage.prompt_tokens ?? usage.input_tokens;
  told.output += usage.completion_tokens ?? usage.output_tokens;
}

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "weather", description: "Tells it.", parameters } }];
const messages = [{ role: "user", content: "How is the weather in Zürich?" }];
const first = await client.chat.completions.create({ model, messages, tools });
add(first.usage);
const call = first.choices[0].message.tool_calls[0];
heard.push(`${call.function.name} ${JSON.parse(call.function.arguments).city}`);
messages.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "Sunny." });
const last = await client.chat.completions.create({ model, messages, tools });
add(last.usage);
heard.push(last.choices[0].message.content);

let text = "";
const asked = [{ role: "user", content: "Say it in pieces." }];
for await (const chunk of await client.chat.completions.create({
  model,
  messages: asked,
  stream: true,
  stream_options: { include_usage: true },
})) {
  text += chunk.choices[0]?.delta?.content ?? "";
  if (chunk.usage) add(chunk.usage);
}
heard.push(text);

const answer = await client.responses.create({ model, input: "And here?" });
add(answer.usage);
heard.push(answer.output_text);
console.log(JSON.stringify({ heard, told, version: VERSION }));
