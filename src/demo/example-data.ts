export const demoBuckets = ['photos', 'reports'] as const
export type DemoBucket = (typeof demoBuckets)[number]

export const isDemoBucket = (name: string): name is DemoBucket =>
  demoBuckets.some((bucket) => bucket === name)

/**
 * The rule files that the demo starts with. They allow `pageOrigins`, the origins of the demo's page. Browsers cache the
 * preflight's response for one second only, so that a change has an effect at once.
 */
export function exampleRules(pageOrigins: readonly string[]): Readonly<Record<DemoBucket, string>> {
  const origins = pageOrigins.map((origin) => JSON.stringify(origin)).join(', ')
  return {
    photos: `# The page may upload photos and read them back.
rules:
  - id: page-uploads
    allowedOrigins: [${origins}]
    allowedMethods: [GET, HEAD, PUT]
    allowedHeaders: [content-type, x-meta-author]
    exposeHeaders: [ETag, x-meta-author]
    maxAgeSeconds: 1
`,
    reports: `# Reports are for reading only.
rules:
  - id: page-reads
    allowedOrigins: [${origins}]
    allowedMethods: [GET, HEAD]
    allowedHeaders: [content-type]
    exposeHeaders: [ETag]
    maxAgeSeconds: 1
`,
  }
}

export const exampleObjects = [
  {
    path: '/photos/welcome.txt',
    type: 'text/plain; charset=utf-8',
    body: 'This object was in the store from the start.\n',
  },
  {
    path: '/reports/q2.csv',
    type: 'text/csv; charset=utf-8',
    body: 'month,uploads\nApril,120\nMay,180\nJune,240\n',
  },
] as const
