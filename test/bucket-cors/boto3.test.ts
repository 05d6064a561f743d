import { execFile, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessKeyId, secret } from '../auth/clients.ts'
import { startSidecar, type TestSidecar } from './sidecar.ts'

const isThere =
  spawnSync('python3', ['-c', 'import boto3'], { stdio: 'ignore', timeout: 20_000 }).status === 0

const script = `
import json, sys, boto3
from botocore.config import Config
from botocore.exceptions import ClientError
port, key, secret = sys.argv[1:4]
def client(**config):
    return boto3.client('s3', endpoint_url='http://127.0.0.1:' + port, region_name='us-east-1',
        aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(s3={'addressing_style': 'path'}, retries={'max_attempts': 0}, **config))
def missing(s3):
    try:
        s3.get_bucket_cors(Bucket='photos')
    except ClientError as error:
        return error.response['Error']['Code']
s3 = client()
rules = [{'ID': 'web', 'AllowedOrigins': ['https://example.com'], 'AllowedMethods': ['GET', 'PUT'],
          'AllowedHeaders': ['*'], 'ExposeHeaders': ['ETag'], 'MaxAgeSeconds': 600}]
out = {'before': missing(s3)}
out['put'] = s3.put_bucket_cors(Bucket='photos', CORSConfiguration={'CORSRules': rules})['ResponseMetadata']['HTTPStatusCode']
out['same'] = s3.get_bucket_cors(Bucket='photos')['CORSRules'] == rules
url = client(signature_version='s3v4').generate_presigned_url('get_bucket_cors', Params={'Bucket': 'photos'}, ExpiresIn=60)
out['presigned'] = url
out['delete'] = s3.delete_bucket_cors(Bucket='photos')['ResponseMetadata']['HTTPStatusCode']
out['after'] = missing(s3)
print(json.dumps(out))
`

let sidecar: TestSidecar
beforeAll(async () => {
  const credentials = `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}"}\n`
  sidecar = await startSidecar({ dialect: 's3', credentials })
})
afterAll(() => sidecar.close())

test.skipIf(!isThere)(
  'boto3: put_bucket_cors, get_bucket_cors, delete_bucket_cors',
  { timeout: 60_000 },
  async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const args = ['-c', script, String(sidecar.port), accessKeyId, secret]
      execFile('python3', args, { timeout: 50_000 }, (error, stdout) =>
        error === null ? resolve(stdout) : reject(error),
      )
    })
    const out = JSON.parse(text)
    expect(out).toMatchObject({
      before: 'NoSuchCORSConfiguration',
      put: 200,
      same: true,
      delete: 204,
      after: 'NoSuchCORSConfiguration',
    })
    // Signed, so the answer is that there is no configuration, not a refusal.
    expect((await fetch(out.presigned)).status).toBe(404)
    expect(sidecar.failures).toEqual([])
    expect(new Set(sidecar.storeRequests.map(({ method }) => method))).toEqual(new Set(['HEAD']))
  },
)
