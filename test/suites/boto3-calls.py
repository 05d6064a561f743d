"""Calls of boto3, one outcome a line: {"test": ..., "outcome": ...}. Arguments: endpoint, access key, secret."""
import base64, hashlib, io, json, re, sys, urllib.error, urllib.parse, urllib.request, zlib
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

endpoint, key_id, secret = sys.argv[1:4]
bucket, other = 'suite', 'suite-versions'


def client(**config):
    return boto3.client(
        's3', endpoint_url=endpoint, region_name='us-east-1', aws_access_key_id=key_id, aws_secret_access_key=secret,
        config=Config(s3={'addressing_style': 'path'}, retries={'max_attempts': 1}, read_timeout=30, **config))


s3 = client(signature_version='s3v4')
s3v2 = client(signature_version='s3')
data = bytes(range(256)) * 64

# Differs with every request, or with the connection and not the object.
LEFT_OUT = {
    'date', 'connection', 'keep-alive', 'server', 'vary', 'last-modified', 'x-amz-request-id', 'x-amz-id-2',
    'x-amz-version-id', 'x-amz-copy-source-version-id', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'transfer-encoding',
    'x-amz-upload-id'}
VOLATILE = {
    'LastModified', 'RequestId', 'HostId', 'VersionId', 'UploadId', 'Initiated', 'NextContinuationToken',
    'ContinuationToken', 'NextVersionIdMarker', 'RetainUntilDate', 'CreationDate', 'ObjectLockRetainUntilDate',
    'CopySourceVersionId', 'RetryAttempts', 'RequestCharged', 'DeleteMarkerVersionId', 'Expiration', 'ResponseMetadata'}


def tidy(value):
    if isinstance(value, dict):
        return {name: tidy(item) for name, item in sorted(value.items()) if name not in VOLATILE}
    if isinstance(value, list):
        return [tidy(item) for item in value]
    if hasattr(value, 'read'):
        content = value.read()
        return f'{len(content)} bytes {hashlib.sha256(content).hexdigest()[:16]}'
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def without_chance(text):
    text = text.replace(endpoint, 'STORE').replace(endpoint.split('//')[1], 'STORE')
    text = re.sub(r'<(RequestId|HostId|UploadId|VersionId)>[^<]*</\1>', r'<\1/>', text)
    # MinIO names the upload where its checksum is wrong.
    text = re.sub(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}x\d+', 'UPLOAD', text)
    text = re.sub(r'\d{4}-\d\d-\d\dT[0-9:.]+Z|\d{8}T\d{6}Z', 'TIME', text)
    text = re.sub(r'(Signature|Credential|Expires|Date|SignatureProvided|StringToSign|CanonicalRequest)=[^&" ]*', r'\1=', text)
    return text


def say(test, outcome):
    print(json.dumps({'test': test, 'outcome': without_chance(outcome)}, ensure_ascii=False), flush=True)


def headers_of(metadata):
    # A store's own CORS headers are removed on purpose: the rules of the bucket decide.
    return {name: value for name, value in sorted(metadata['HTTPHeaders'].items())
            if name not in LEFT_OUT and not name.startswith('access-control-')}


def call(test, work):
    try:
        answer = work()
        if isinstance(answer, dict):
            metadata = answer.get('ResponseMetadata')
            shown = tidy(answer)
            if metadata:
                shown['status'] = metadata['HTTPStatusCode']
                shown['headers'] = headers_of(metadata)
                # Times in an XML answer can have as many digits as they need.
                if 'xml' in shown['headers'].get('content-type', ''):
                    shown['headers'].pop('content-length', None)
            answer = json.dumps(shown, sort_keys=True, ensure_ascii=False, default=str)
        say(test, 'ok ' + str(answer))
    except ClientError as error:
        status = error.response['ResponseMetadata'].get('HTTPStatusCode')
        say(test, f"{status} {error.response['Error'].get('Code')}: {error.response['Error'].get('Message')}")
    except (BotoCoreError, OSError, ValueError, KeyError) as error:
        say(test, f'{type(error).__name__}: {error}')


def fetch(url, method='GET', body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return f'{answer.status} {len(content)} bytes {hashlib.sha256(content).hexdigest()[:16]}'
    except urllib.error.HTTPError as error:
        text = error.read().decode('utf-8', 'replace')
        code, message = (re.search(f'<{name}>([^<]*)<', text) for name in ('Code', 'Message'))
        return f'{error.code} {code and code[1]}: {message and message[1]}'


def put(key, **more):
    return s3.put_object(**{'Bucket': bucket, 'Key': key, 'Body': data, **more})


call('create bucket', lambda: s3.create_bucket(Bucket=bucket))
call('create bucket again', lambda: s3.create_bucket(Bucket=bucket))
call('list buckets', lambda: {'names': [entry['Name'] for entry in s3.list_buckets()['Buckets']]})
call('head bucket that is absent', lambda: s3.head_bucket(Bucket='absent-bucket'))

KEYS = [
    'plain', 'with space', 'plus+plus', 'per%cent', '%2F', '%2e%2e', 'a//b', '/lead', 'trail/', 'tilde~', 'quote\'"', 'amp&x=1',
    'hash#x', 'question?x', 'semi;x', 'colon:x', 'at@x', 'comma,x', 'eq=x', 'dollar$', 'excl!', 'star*', 'paren()', 'brack[]',
    'brace{}', 'pipe|x', 'caret^', 'back`tick', 'less<x>', 'back\\slash', 'grüße/ä', '日本/語', 'émoji-😀', 'nfd-e\u0301', '.hidden',
    '...', 'a/.../b', 'x.', 'dot./x', 'tab\tx', 'control\x01x', 'del\x7fx', 'nbsp\u00a0x', 'rtl\u202ex', 'cors', 'x/?cors', 'long-' + 'k' * 200]


def keep(bucket, key):
    label = ascii(key if len(key) < 40 else key[:8])
    call(f'key {label} put', lambda: put(key, Bucket=bucket))
    call(f'key {label} get', lambda: s3.get_object(Bucket=bucket, Key=key))
    call(f'key {label} head', lambda: s3.head_object(Bucket=bucket, Key=key))
    call(f'key {label} copy', lambda: s3.copy_object(Bucket=bucket, Key='copied', CopySource={'Bucket': bucket, 'Key': key}))
    call(f'key {label} presigned', lambda: fetch(s3.generate_presigned_url('get_object', {'Bucket': bucket, 'Key': key})))


for key in KEYS:
    keep(bucket, key)
call('create bucket for dots', lambda: s3.create_bucket(Bucket='suite-dots'))
for key in ('..;/x', './c', 'a/../b', '..\\x'):
    keep('suite-dots', key)
for parameters in ({}, {'Delimiter': '/'}, {'Prefix': '日'}, {'Prefix': 'a/', 'Delimiter': '/'}, {'MaxKeys': 3},
                   {'StartAfter': 'pipe'}, {'EncodingType': 'url'}, {'Delimiter': 'ü'}, {'Prefix': 'nothing'}):
    call(f'list {ascii(parameters)}', lambda: s3.list_objects_v2(Bucket=bucket, **parameters))
    v1 = {name: value for name, value in parameters.items() if name != 'StartAfter'}
    call(f'list v1 {ascii(parameters)}', lambda: s3.list_objects(Bucket=bucket, **v1))

# Expect: 100-continue goes with every PUT of boto3.
VALUES = {
    'ascii': 'plain', 'spaces': 'a  b', 'german': 'Grüße', 'french': 'café', 'japanese': '日本', 'russian': 'привет',
    'arabic': 'مرحبا', 'hebrew': 'שלום', 'hindi': 'नमस्ते', 'greek': 'γειά', 'korean': '안녕', 'thai': 'สวัสดี', 'emoji': '😀',
    'quoted': '"a, b; c"', 'empty': '', 'long': 'v' * 1500}
for name, value in VALUES.items():
    disposition = f'attachment; filename="{value}.txt"'
    call(f'disposition {name} put', lambda: put(f'd-{name}', ContentDisposition=disposition))
    call(f'disposition {name} head', lambda: s3.head_object(Bucket=bucket, Key=f'd-{name}'))
    call(f'disposition {name} multipart', lambda: s3.create_multipart_upload(Bucket=bucket, Key=f'm-{name}', ContentDisposition=disposition))
    call(f'language {name} put', lambda: put(f'l-{name}', ContentLanguage=value, CacheControl=value))
    call(f'language {name} head', lambda: s3.head_object(Bucket=bucket, Key=f'l-{name}'))
    call(f'response header {name}', lambda: s3.get_object(Bucket=bucket, Key='plain', ResponseContentDisposition=disposition))


def with_metadata(value):
    """boto3 refuses metadata beyond ASCII before it signs; a header that is added before signing has any byte."""
    raw = client(signature_version='s3v4')
    raw.meta.events.register('before-sign.s3.PutObject', lambda request, **_: request.headers.add_header('x-amz-meta-word', value))
    return raw.put_object(Bucket=bucket, Key='meta', Body=data)


for name, value in VALUES.items():
    call(f'metadata {name} put', lambda: with_metadata(value))
    call(f'metadata {name} head', lambda: s3.head_object(Bucket=bucket, Key='meta'))
call('metadata many', lambda: put('many', Metadata={f'name-{n}': f'value {n}' for n in range(40)}))
call('metadata many head', lambda: s3.head_object(Bucket=bucket, Key='many'))
call('metadata upper case', lambda: put('upper', Metadata={'UPPER-Case': 'Value'}))

for text in ('bytes=0-0', 'bytes=0-', 'bytes=-1', 'bytes=100-199', 'bytes=16383-', 'bytes=16384-', 'bytes=5-2', 'bytes=0-0,2-3', 'bytes=x', 'lines=1-2'):
    call(f'range {text}', lambda: s3.get_object(Bucket=bucket, Key='plain', Range=text))
    call(f'range head {text}', lambda: s3.head_object(Bucket=bucket, Key='plain', Range=text))

etag = '"' + hashlib.md5(data).hexdigest() + '"'
past, future = datetime(2001, 1, 1, tzinfo=timezone.utc), datetime.now(timezone.utc) - timedelta(seconds=1)
for parameters in ({'IfMatch': etag}, {'IfMatch': '"x"'}, {'IfNoneMatch': etag}, {'IfNoneMatch': '"x"'}, {'IfNoneMatch': '*'},
                   {'IfModifiedSince': past}, {'IfUnmodifiedSince': past}, {'IfMatch': etag, 'IfUnmodifiedSince': past}):
    label = ascii({name: str(value) for name, value in parameters.items()})
    call(f'condition {label} get', lambda: s3.get_object(Bucket=bucket, Key='plain', **parameters))
    call(f'condition {label} head', lambda: s3.head_object(Bucket=bucket, Key='plain', **parameters))
call('condition put if none match', lambda: put('plain', IfNoneMatch='*'))
call('condition put if none match new', lambda: put('fresh', IfNoneMatch='*'))
call('condition put if match', lambda: put('plain', IfMatch='"x"'))

for algorithm, value in (('CRC32', base64.b64encode(zlib.crc32(data).to_bytes(4, 'big')).decode()),
                         ('SHA1', base64.b64encode(hashlib.sha1(data).digest()).decode()),
                         ('SHA256', base64.b64encode(hashlib.sha256(data).digest()).decode())):
    call(f'checksum {algorithm} put', lambda: put(f'c-{algorithm}', ChecksumAlgorithm=algorithm))
    call(f'checksum {algorithm} head', lambda: s3.head_object(Bucket=bucket, Key=f'c-{algorithm}', ChecksumMode='ENABLED'))
    call(f'checksum {algorithm} right', lambda: put(f'c-{algorithm}', **{f'Checksum{algorithm}': value}))
    call(f'checksum {algorithm} wrong', lambda: put(f'c-{algorithm}', **{f'Checksum{algorithm}': 'AAAA' + value[4:]}))
    call(f'checksum {algorithm} attributes', lambda: s3.get_object_attributes(Bucket=bucket, Key=f'c-{algorithm}', ObjectAttributes=['ETag', 'Checksum', 'ObjectSize']))
call('checksum md5 wrong', lambda: put('md5', ContentMD5=base64.b64encode(b'x' * 16).decode()))


def trailer(signature, words):
    """An aws-chunked body with a trailer, as SDKs send it over TLS."""
    body = b''.join(b'%x\r\n%s\r\n' % (len(part), part) for part in (data[:8192], data[8192:]))
    body += b'0\r\n' + b''.join(f'{name}:{value}\r\n'.encode() for name, value in words) + b'\r\n'
    raw = client(signature_version='s3v4', request_checksum_calculation='when_required')

    def framed(request, **_):
        request.headers['x-amz-decoded-content-length'] = str(len(data))
        request.headers['content-encoding'] = 'aws-chunked'
        request.headers['x-amz-trailer'] = ','.join(name for name, _ in words)
        request.headers['x-amz-content-sha256'] = signature
    raw.meta.events.register('before-sign.s3.PutObject', framed)
    return raw.put_object(Bucket=bucket, Key='trailer', Body=io.BytesIO(body))


crc32 = base64.b64encode(zlib.crc32(data).to_bytes(4, 'big')).decode()
for name, words in (('right', [('x-amz-checksum-crc32', crc32)]), ('wrong', [('x-amz-checksum-crc32', 'AAAAAA==')]),
                    ('unknown', [('x-amz-checksum-none', 'x')]), ('none', [])):
    call(f'trailer {name} put', lambda: trailer('STREAMING-UNSIGNED-PAYLOAD-TRAILER', words))
    call(f'trailer {name} get', lambda: s3.get_object(Bucket=bucket, Key='trailer', ChecksumMode='ENABLED'))

MIB = 1 << 20


def multipart(sizes, complete=True, **more):
    upload = s3.create_multipart_upload(Bucket=bucket, Key='big', **more)['UploadId']
    parts = []
    for number, size in enumerate(sizes, 1):
        part = s3.upload_part(Bucket=bucket, Key='big', UploadId=upload, PartNumber=number, Body=bytes([number]) * size)
        parts.append({'PartNumber': number, 'ETag': part['ETag'], **{n: v for n, v in part.items() if n.startswith('Checksum')}})
    listed = tidy(s3.list_parts(Bucket=bucket, Key='big', UploadId=upload).get('Parts'))
    end = s3.complete_multipart_upload(Bucket=bucket, Key='big', UploadId=upload, MultipartUpload={'Parts': parts}) if complete \
        else s3.abort_multipart_upload(Bucket=bucket, Key='big', UploadId=upload)
    return {'listed': listed, 'end': tidy(end), 'status': end['ResponseMetadata']['HTTPStatusCode']}


call('multipart', lambda: multipart([5 * MIB, 5 * MIB, 100]))
call('multipart get', lambda: s3.get_object(Bucket=bucket, Key='big'))
call('multipart get part', lambda: s3.get_object(Bucket=bucket, Key='big', PartNumber=2))
call('multipart checksum', lambda: multipart([5 * MIB, 1], ChecksumAlgorithm='SHA256'))
call('multipart too small', lambda: multipart([10, 10]))
call('multipart abort', lambda: multipart([10], complete=False))
call('multipart of no upload', lambda: s3.upload_part(Bucket=bucket, Key='big', UploadId='none', PartNumber=1, Body=b'x'))
call('upload_fileobj', lambda: str(s3.upload_fileobj(io.BytesIO(data * 700), bucket, 'file')))
call('upload_fileobj get', lambda: s3.get_object(Bucket=bucket, Key='file'))
call('early refusal', lambda: client(signature_version='s3v4').put_object(Bucket='absent-bucket', Key='x', Body=b'x' * (3 * MIB)))
stranger = boto3.client('s3', endpoint_url=endpoint, region_name='us-east-1', aws_access_key_id='stranger', aws_secret_access_key='x' * 20,
                        config=Config(s3={'addressing_style': 'path'}, retries={'max_attempts': 1}))
for size in (10, 300_000, 2 * MIB, 5 * MIB):
    call(f'early refusal of a stranger, {size} bytes', lambda: stranger.put_object(Bucket=bucket, Key='x', Body=b'x' * size))

call('tags put', lambda: s3.put_object_tagging(Bucket=bucket, Key='plain', Tagging={'TagSet': [{'Key': 'k', 'Value': 'wörd + &'}]}))
call('tags get', lambda: s3.get_object_tagging(Bucket=bucket, Key='plain'))
call('tags with put', lambda: put('tagged', Tagging='a=b&c=%C3%BC'))
call('copy with metadata', lambda: s3.copy_object(Bucket=bucket, Key='replaced', CopySource=f'{bucket}/plain', MetadataDirective='REPLACE', Metadata={'a': 'b'}))
call('copy of what is absent', lambda: s3.copy_object(Bucket=bucket, Key='x', CopySource=f'{bucket}/absent'))
call('get of what is absent', lambda: s3.get_object(Bucket=bucket, Key='absent'))
call('delete of what is absent', lambda: s3.delete_object(Bucket=bucket, Key='absent'))
call('delete objects', lambda: s3.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': key} for key in ('fresh', 'with space', '日本/語', 'less<x>')]}))
call('policy', lambda: s3.get_bucket_policy(Bucket=bucket))
call('lifecycle', lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket))
call('location', lambda: s3.get_bucket_location(Bucket=bucket))
call('acl', lambda: s3.get_bucket_acl(Bucket=bucket))

call('versions create', lambda: s3.create_bucket(Bucket=other, ObjectLockEnabledForBucket=True))
call('versions enable', lambda: s3.put_bucket_versioning(Bucket=other, VersioningConfiguration={'Status': 'Enabled'}))
for text in (b'one', b'two'):
    call(f'versions put {text}', lambda: s3.put_object(Bucket=other, Key='v', Body=text))
call('versions delete', lambda: s3.delete_object(Bucket=other, Key='v'))
call('versions list', lambda: s3.list_object_versions(Bucket=other))


def first_version():
    return [version['VersionId'] for version in s3.list_object_versions(Bucket=other)['Versions']][-1]


call('versions get', lambda: s3.get_object(Bucket=other, Key='v', VersionId=first_version()))
call('versions get of none', lambda: s3.get_object(Bucket=other, Key='v', VersionId='none'))
until = datetime.now(timezone.utc) + timedelta(hours=1)
call('lock put', lambda: s3.put_object(Bucket=other, Key='held', Body=b'x', ObjectLockMode='GOVERNANCE', ObjectLockRetainUntilDate=until, ChecksumAlgorithm='SHA256'))
call('lock retention', lambda: s3.get_object_retention(Bucket=other, Key='held'))
call('lock legal hold', lambda: s3.put_object_legal_hold(Bucket=other, Key='held', LegalHold={'Status': 'ON'}))
call('lock delete', lambda: s3.delete_object(Bucket=other, Key='held', VersionId=s3.head_object(Bucket=other, Key='held')['VersionId']))
call('lock configuration', lambda: s3.get_object_lock_configuration(Bucket=other))

for name, signer in (('v4', s3), ('v2', s3v2)):
    url = lambda operation, **more: signer.generate_presigned_url(operation, {'Bucket': bucket, **more})
    call(f'presigned {name} put', lambda: fetch(url('put_object', Key='p ü'), 'PUT', data))
    call(f'presigned {name} get', lambda: fetch(url('get_object', Key='p ü')))
    call(f'presigned {name} head', lambda: fetch(url('head_object', Key='p ü'), 'HEAD'))
    call(f'presigned {name} with response headers', lambda: fetch(url('get_object', Key='p ü', ResponseContentType='text/x', ResponseContentDisposition='attachment; filename="ü+ &.txt"')))
    call(f'presigned {name} changed', lambda: fetch(url('get_object', Key='p ü').replace('p%20', 'q%20')))
    call(f'presigned {name} expired', lambda: fetch(signer.generate_presigned_url('get_object', {'Bucket': bucket, 'Key': 'plain'}, ExpiresIn=-10)))
    call(f'presigned {name} list', lambda: fetch(url('list_objects_v2', Prefix='q u+&')).split(' ')[0])


def post(fields, name, content, conditions=None, file_name='grüße 日本.txt'):
    form = s3.generate_presigned_post(bucket, name, Fields=fields, Conditions=conditions or [{n: v} for n, v in fields.items()])
    edge = 'edge-of-the-form'
    lines = ''.join(f'--{edge}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in form['fields'].items())
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\nContent-Type: text/plain\r\n\r\n'
    body = (lines + head).encode() + content + f'\r\n--{edge}--\r\n'.encode()
    return fetch(form['url'], 'POST', body, {'Content-Type': f'multipart/form-data; boundary={edge}'})


call('post', lambda: post({'success_action_status': '201'}, 'posted', data).split(' ')[0])
call('post get', lambda: s3.get_object(Bucket=bucket, Key='posted'))
call('post file name', lambda: post({}, 'posts/${filename}', b'x'))
call('post metadata', lambda: post({'x-amz-meta-word': 'Grüße'}, 'posted-meta', b'x'))
call('post metadata head', lambda: s3.head_object(Bucket=bucket, Key='posted-meta'))
call('post too large', lambda: post({}, 'posted', data, [['content-length-range', 0, 10]]))
call('post against its policy', lambda: post({'Content-Type': 'text/html'}, 'posted', data, [{'Content-Type': 'text/plain'}]))
call('list at the end', lambda: s3.list_objects_v2(Bucket=bucket))
