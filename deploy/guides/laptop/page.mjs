// A page on http://localhost:8088 that uploads to a presigned URL, and the server that signs for it.
// Settings: STORE (the sidecar, as the browser reaches it), BUCKET, ACCESS_KEY, SECRET_KEY.
import { createServer } from 'node:http'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'

const {
  STORE: endpoint = 'http://localhost:8080',
  BUCKET: Bucket = 'photos',
  ACCESS_KEY: accessKeyId = 'page-key',
  SECRET_KEY: secretAccessKey = 'page-secret-on-a-laptop',
  HOST: host = '127.0.0.1',
  PORT: port = '8088',
} = process.env

const s3 = new S3Client({
  endpoint,
  forcePathStyle: true, // MinIO: the bucket stands in the path
  region: 'us-east-1',
  credentials: { accessKeyId, secretAccessKey },
  requestChecksumCalculation: 'WHEN_REQUIRED', // the signer cannot know the file that the page will send
})

const html = `<!doctype html>
<meta charset="utf-8">
<title>Upload</title>
<h1>Upload to ${endpoint}/${Bucket}</h1>
<input id="file" type="file"> <button id="upload">Upload</button>
<pre id="result"></pre>
<script type="module">
  const show = (text) => { document.getElementById('result').textContent = text }
  document.getElementById('upload').onclick = async () => {
    const file = document.getElementById('file').files[0] ?? new File(['hello'], 'hello.txt', { type: 'text/plain' })
    const { url } = await (await fetch('/sign?name=' + encodeURIComponent(file.name))).json()
    try {
      const answer = await fetch(url, { method: 'PUT', body: file, headers: { 'x-amz-meta-from': 'page' } })
      show(answer.ok ? 'uploaded ' + file.name + ', ETag ' + answer.headers.get('etag') : answer.status + '\\n' + await answer.text())
    } catch (error) {
      show(String(error))
    }
  }
</script>
`

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://page')
  if (pathname !== '/sign') return response.setHeader('Content-Type', 'text/html').end(html)
  const Key = searchParams.get('name') || 'hello.txt'
  const command = new PutObjectCommand({ Bucket, Key, Metadata: { from: 'page' } })
  // The SDK would move x-amz-meta-from into the query; unhoistable, it stays a header that the page sends.
  const url = await getSignedUrl(s3, command, {
    expiresIn: 600,
    unhoistableHeaders: new Set(['x-amz-meta-from']),
  })
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ url }))
}).listen(Number(port), host, () => console.log(`http://localhost:${port}`))
