import type { DialectName } from '../cors/rule.ts'
import {
  type BucketPolicy,
  type Compile,
  compilePolicy,
  type LoadedFile,
  policyOf,
  type Snapshot,
} from '../plan/snapshot.ts'
import type { Pause } from './slices.ts'

/** Rules that are compiled before they take effect. `nextSnapshot` would do so in one go and hold the requests. */
export interface CompiledAhead {
  /** Compiles what is compiled neither here nor in the snapshot in force, one file after the other, with pauses. */
  add(files: readonly LoadedFile[], inForce: Snapshot, pause: Pause): Promise<void>
  /** For `nextSnapshot`: finds what was compiled here of the very same content, and compiles everything else. */
  readonly compile: Compile
}

/** Holds for one bucket what was compiled last. It takes no effect by itself: a file may change until it is taken. */
export function createCompiledAhead(serverDialect: DialectName): CompiledAhead {
  const policies = new Map<string, BucketPolicy>()
  return {
    async add(files, inForce, pause) {
      for (const { bucket, content } of files) {
        if (content === undefined || policyOf(inForce, bucket)?.file === content) continue
        if (policies.get(bucket)?.file === content) continue
        policies.set(bucket, compilePolicy(bucket, content, serverDialect))
        await pause()
      }
    },
    compile(bucket, content, dialect) {
      const known = policies.get(bucket)
      return known?.file === content ? known : compilePolicy(bucket, content, dialect)
    },
  }
}
