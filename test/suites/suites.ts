import { clientSuites } from './clients.ts'
import { minioGoSuite } from './minio-go.ts'
import type { Suite } from './suite.ts'
import { versitygwSuite } from './versitygw.ts'
import { webdavSuites } from './webdav.ts'

export const suites: readonly Suite[] = [versitygwSuite, minioGoSuite, ...webdavSuites, ...clientSuites]
