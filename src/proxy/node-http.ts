/**
 * `node:http`, without what Node loads for `import … from 'node:http'`: that reads every export, and for one of them,
 * WebSocket, Node loads an undici of its own, 15 MB that are never used.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http')
