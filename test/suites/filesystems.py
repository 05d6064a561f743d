"""s3fs and pyarrow, one outcome a line: {"test": ..., "outcome": ...}. Arguments: endpoint, access key, secret."""
import hashlib, json, re, sys

import pyarrow, pyarrow.fs, pyarrow.parquet
import s3fs

endpoint, key_id, secret = sys.argv[1:4]
data = bytes(range(256)) * 4096


def call(test, work):
    try:
        outcome = f'ok {work()}'
    except Exception as error:  # every kind that these libraries and those below them raise is an outcome
        outcome = f'{type(error).__name__}: {error}'
    outcome = outcome.replace(endpoint, 'STORE').replace(endpoint.split('//')[1], 'STORE')
    outcome = re.sub(r'Request ID: \w+', 'Request ID', outcome)
    print(json.dumps({'test': test, 'outcome': outcome[:600]}, ensure_ascii=False), flush=True)


def digest(content):
    return f'{len(content)} bytes {hashlib.sha256(content).hexdigest()[:16]}'


def write(fs, path, content):
    with fs.open(path, 'wb') as file:
        file.write(content)


def at(fs, path, position, size):
    with fs.open(path, 'rb') as file:
        file.seek(position)
        return digest(file.read(size))


fs = s3fs.S3FileSystem(key=key_id, secret=secret, endpoint_url=endpoint, use_listings_cache=False,
                       config_kwargs={'retries': {'max_attempts': 1}, 's3': {'addressing_style': 'path'}})
call('s3fs mkdir', lambda: fs.mkdir('suite'))
for key in ('plain', 'with space', 'ü/日本.bin', 'plus+', 'per%41', 'a//b'):
    call(f's3fs write {key}', lambda: write(fs, f'suite/{key}', data))
    call(f's3fs read {key}', lambda: digest(fs.cat(f'suite/{key}')))
call('s3fs large', lambda: write(fs, 'suite/large', data * 12))
call('s3fs large read', lambda: digest(fs.cat('suite/large')))
call('s3fs seek', lambda: at(fs, 'suite/large', 1_000_003, 77))
call('s3fs metadata', lambda: fs.setxattr('suite/plain', copy_kwargs={'ContentDisposition': 'attachment; filename="café 日本.txt"'}, word='value'))
call('s3fs metadata read', lambda: fs.metadata('suite/plain', refresh=True))
call('s3fs find', lambda: sorted(fs.find('suite')))
call('s3fs copy', lambda: fs.copy('suite/plain', 'suite/copy'))
call('s3fs tags', lambda: fs.put_tags('suite/plain', {'k': 'v'}))
call('s3fs absent', lambda: fs.cat('suite/absent'))
call('s3fs absent bucket', lambda: fs.ls('absent-bucket'))
call('s3fs remove', lambda: fs.rm('suite/ü', recursive=True))

arrow = pyarrow.fs.S3FileSystem(access_key=key_id, secret_key=secret, endpoint_override=endpoint.split('//')[1], scheme='http', region='us-east-1',
                                allow_bucket_creation=True, retry_strategy=pyarrow.fs.AwsStandardS3RetryStrategy(max_attempts=1))
table = pyarrow.table({'number': list(range(200_000)), 'word': [f'wörd {n % 100}' for n in range(200_000)]})
call('pyarrow write', lambda: pyarrow.parquet.write_table(table, 'suite/ü table.parquet', filesystem=arrow))
call('pyarrow read', lambda: pyarrow.parquet.read_table('suite/ü table.parquet', filesystem=arrow).equals(table))
call('pyarrow read a column', lambda: pyarrow.parquet.read_table('suite/ü table.parquet', columns=['word'], filesystem=arrow).num_rows)
call('pyarrow list', lambda: sorted(f'{info.path} {info.size}' for info in arrow.get_file_info(pyarrow.fs.FileSelector('suite', recursive=True)) if info.is_file))
call('pyarrow absent', lambda: arrow.open_input_file('suite/absent'))
call('pyarrow delete', lambda: arrow.delete_file('suite/ü table.parquet'))
call('s3fs remove all', lambda: fs.rm('suite', recursive=True))
