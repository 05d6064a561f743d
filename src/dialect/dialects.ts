import { cos } from './cos.ts'
import type { Dialect } from './dialect.ts'
import { http } from './http.ts'
import { oss } from './oss.ts'
import { s3 } from './s3.ts'

export const dialects: readonly Dialect[] = [cos, oss, s3, http]
