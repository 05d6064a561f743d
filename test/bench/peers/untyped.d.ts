/** Packages that bring no types: as much of them as is used here. */
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
    // biome-ignore lint/suspicious/noExplicitAny: middleware takes whatever requests its framework made
    use(middleware: (...given: any[]) => unknown): void
  }
}
