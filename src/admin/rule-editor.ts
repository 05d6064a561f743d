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

/** `/-/file?bucket=`: the whole text of a bucket's rule file, as it stands in the rules directory. */
export async function fileReply({ rules, directory }: Editor, query: URLSearchParams): Promise<Reply> {
  const bucket = query.get('bucket')
  if (bucket === null)
    return json(400, { error: 'The parameter bucket is missing, for example bucket=photos.' })
  const loaded = rules().files.find((file) => file.bucket === bucket)
  if (loaded === undefined)
    return json(404, { error: `There is no rule file for the bucket ${JSON.stringify(bucket)}.` })
  const text = await readRuleText(directory, loaded.file)
  if (text === undefined)
    return json(409, { error: `${loaded.file} cannot be read from the rules directory as UTF-8 text.` })
  const view: RuleText = { bucket, file: loaded.file, state: loaded.state, text }
  return json(200, view)
}

/** In a child process, because the body is a rule file that a person types. */
const draftInChild = inChild<typeof drafts>(moduleBeside(import.meta.url, 'check-draft'))

/** `POST /-/check`: a rule file as it is being written, edited by the form where `edit` says so, with its findings. */
export const checkReply = ({ setup, directory }: Editor, body: string): Promise<Reply> =>
  draftInChild('checkDraftReply', body, { dialect: setup.dialect, directory })
