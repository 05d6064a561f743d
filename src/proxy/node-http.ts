/**
 * `node:http` without an import. `import … from 'node:http'` reads every export, and reading the export WebSocket makes
 * Node load its own copy of undici: 15 MB that are never used.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http')
