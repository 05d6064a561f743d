/** Minimal types for packages that have none. */
declare module 'cors' {
  import type { RequestListener } from 'node:http'

  export default function cors(options: {
    readonly origin: readonly string[]
    readonly methods: readonly string[]
    readonly exposedHeaders: readonly string[]
    readonly maxAge: number
    readonly credentials: boolean
  }): RequestListener
}

declare module 'express' {
  import type { RequestListener } from 'node:http'

  export default function express(): RequestListener & {
    // biome-ignore lint/suspicious/noExplicitAny: middleware accepts the request objects of any framework
    use(middleware: (...given: any[]) => unknown): void
  }
}
