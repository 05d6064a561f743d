/**
 * The CORS configurations of other products: how to recognise each by its shape, and where its rules and bucket
 * names are. {@link toRule} reads the rules themselves, because they differ only in field names.
 */

import type { SourceNode } from '../source.ts'
import { type ForeignName, foreignNames } from './format-names.ts'
import type { ForeignFormat, FoundRules } from './found.ts'
import { isNothing } from './node.ts'
import { ansible, cdk, pulumi } from './programs.ts'
import { cloudformation, serverless } from './templates.ts'
import { terraform } from './terraform.ts'
import { azure, b2, gcs, r2 } from './vendors.ts'

const formats: Readonly<Record<ForeignName, ForeignFormat>> = {
  serverless,
  cloudformation,
  pulumi,
  ansible,
  r2,
  b2,
  azure,
  gcs,
  terraform,
  cdk,
}

export const foreignFormats: readonly ForeignFormat[] = foreignNames.map((name) => formats[name])

/** The first format that finds rules in `root`. */
export function recognise(
  root: SourceNode,
  from?: string,
): { readonly format: ForeignFormat; readonly buckets: readonly FoundRules[] } | undefined {
  for (const format of foreignFormats) {
    if (from !== undefined && format.id !== from) continue
    const buckets = format.find(root).filter(({ holder }) => !isNothing(holder))
    if (buckets.length > 0) return { format, buckets }
  }
  return undefined
}
