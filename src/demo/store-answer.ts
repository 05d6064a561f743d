import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/**
 * Sends an error body in the format of object stores, or destroys a response that has already begun. `code` and
 * `message` are not escaped.
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

/** Drops characters that XML 1.0 cannot represent; keys may contain them. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
