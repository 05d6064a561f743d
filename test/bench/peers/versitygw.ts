import { CreateBucketCommand, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3'
import { bucket, exposedHeaders, maxAgeSeconds, methods, origins } from '../rule-sets.ts'

export const versitygwKeys = { accessKeyId: 'bench', secretAccessKey: 'not-a-secret-not-a-secret' }

/** Creates the bucket with one rule for each of {@link origins}, as S3's PutBucketCors stores them. */
export async function prepareVersitygw(port: number): Promise<void> {
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    credentials: versitygwKeys,
    region: 'us-east-1',
    forcePathStyle: true,
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const rules = origins.map((origin, index) => ({
    ID: `app-${index}`,
    AllowedOrigins: [origin],
    AllowedMethods: [...methods],
    AllowedHeaders: ['*'],
    ExposeHeaders: [...exposedHeaders],
    MaxAgeSeconds: maxAgeSeconds,
  }))
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: rules } }))
  client.destroy()
}
