import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/**
 * Ends `response` with an error body as object stores write it; one that has already begun is broken off instead.
 * `code` and `message` are text without markup.
 */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>\n`
  if (response.headersSent) response.destroy()
  else sendXml(response, status, body, headers)
}

export function sendXml(
  response: ServerResponse,
  status: number,
  body: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const own = { 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(body) }
  response.writeHead(status, { ...headers, ...own }).end(body)
}

/** Characters that XML 1.0 cannot carry at all are left out: a key may hold them. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
