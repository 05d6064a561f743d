import { inChild, moduleBeside } from '../children/children.ts'
import type { DialectName } from '../cors/rule.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import { readRuleText } from '../rules/rule-text.ts'
import type * as drafts from './check-draft.ts'
import { json, type Reply } from './reply.ts'
import type { RuleText } from './shapes.ts'

interface Editor {
  readonly rules: () => Snapshot
  readonly setup: { readonly dialect: DialectName }
  readonly directory: string
}

/** `/-/file?bucket=`: the text of a bucket's rule file, read from the rules directory. */
export async function fileReply({ rules, directory }: Editor, query: URLSearchParams): Promise<Reply> {
  const bucket = query.get('bucket')
  if (bucket === null)
    return json(400, { error: 'The parameter bucket is missing, for example bucket=photos.' })
  const loaded = rules().files.find((file) => file.bucket === bucket)
  if (loaded === undefined)
    return json(404, { error: `There is no rule file for the bucket ${JSON.stringify(bucket)}.` })
  const text = await readRuleText(directory, loaded.file)
  if (text === undefined)
    return json(409, { error: `${loaded.file} cannot be read as UTF-8 text from the rules directory.` })
  const view: RuleText = { bucket, file: loaded.file, state: loaded.state, text }
  return json(200, view)
}

/** In a child process, because the text is untrusted: a parser that hangs must not stop the sidecar. */
const draftInChild = inChild<typeof drafts>(moduleBeside(import.meta.url, 'check-draft'))

/** `POST /-/check`: applies the edit of the form, if there is one, and returns the text with its findings. */
export const checkReply = ({ setup, directory }: Editor, body: string): Promise<Reply> =>
  draftInChild('checkDraftReply', body, { dialect: setup.dialect, directory })
