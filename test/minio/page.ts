import type { Page } from 'playwright-core'

/** What a page can see of a response: no status and no headers when the browser hides it. */
export type Seen =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }
  | { readonly kind: 'blocked' }

export interface Init {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** `fetch` in the page; the response comes back as plain data. */
export const fetchIn = (page: Page, url: string, init: Init = {}): Promise<Seen> =>
  page.evaluate(
    async ([url, init]): Promise<Seen> => {
      try {
        const response = await fetch(url, { cache: 'no-store', ...init })
        const { status, headers } = response
        return { kind: 'answer', status, headers: Object.fromEntries(headers), body: await response.text() }
      } catch {
        return { kind: 'blocked' }
      }
    },
    [url, init] as const,
  )
