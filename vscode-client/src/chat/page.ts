// The chat view's page. Owns its policy: nothing is loaded but our script and our style, each by this page's nonce.

/** `script` and `style` are addresses that the view may load. */
export function page(nonce: string, script: string, style: string): string {
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tallystick chat</title>
<link rel="stylesheet" nonce="${nonce}" href="${style}">
</head>
<body>
<div id="banner" role="status" hidden></div>
<main id="log" role="log" aria-live="off" aria-label="Conversation" tabindex="0"></main>
<div id="activity" aria-hidden="true" hidden></div>
<div id="announce" class="unseen" role="status"></div>
<form id="composer">
<textarea id="prompt" rows="2" placeholder="Ask for a change, or about the code" aria-label="Message to Tallystick"></textarea>
<div id="bar">
<select id="mode" aria-label="How it may work"><option value="act">Act</option><option value="plan">Plan</option><option value="answer">Answer</option></select>
<span id="context"></span>
<button id="send" type="submit">Send</button>
<button id="stop" type="button" class="secondary" hidden>Stop</button>
</div>
</form>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
