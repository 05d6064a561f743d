import type { Reason } from './compare.ts'

const dots =
  'keys with a dot segment get 400, because a store that reads the path differently could open another bucket'
const s3Words =
  'the ?cors API and preflights use the messages and codes of AWS; this store and its suite use their own'
const itsOwnAnswers = 'the sidecar answers ?cors and preflights, which this store does not implement'

/** The accepted differences. A differing test that is not listed here fails the run. */
export const reasons: readonly Reason[] = [
  {
    suite: /^versitygw test/,
    test: /^(?:PutObject_(?:false_negative|invalid)_object_names|AccessControl_policy_normalizes_object_key_\w+)$/,
    why: dots,
  },
  {
    suite: /^versitygw test/,
    test: /^(?:PutBucketCors_(?:non_existing_bucket|empty_cors_rules|invalid_allowed_origins|invalid_header|invalid_method|md5)|(?:Get|Delete)BucketCors_non_existing_bucket)$/,
    why: s3Words,
  },
  {
    suite: /^versitygw test/,
    test: /^PreflightOPTIONS_(?:invalid_request_(?:headers|method)|non_existing_bucket)$/,
    why: 'a refused preflight gets 403 AccessForbidden, as recorded from AWS; this store answers with 400 or 404',
  },
  {
    suite: /^versitygw test/,
    test: /^PreflightOPTIONS_access_granted$/,
    why: 'this store exposes ETag although no rule lists it; AWS and the sidecar expose only what the rule lists',
  },
  {
    suite: /^versitygw test/,
    test: /^PublicBucket_(?:default_private_bucket|public_acl|public_object_policy)$/,
    why: 'an unsigned ?cors is refused with the message of AWS, "Access Denied" without a full stop',
  },
  {
    suite: /^versitygw test/,
    test: /^PublicBucket_public_bucket_policy$/,
    why: 'unsigned callers can never read the rules, even if a bucket policy of the store allows it',
  },
  {
    suite: /^versitygw test/,
    test: /^UnsignedStreamingPayloadTrailer_not_allowed$/,
    why: 'both refuse PUT ?cors with a streaming payload, but with different codes',
  },
  { suite: /^minio-go/, test: /^testCors/, through: /^ok$/, why: itsOwnAnswers },
  {
    suite: /^minio-go/,
    test: /^testCors_17_/,
    through: /want: Access-Control-Allow-Credentials: 'true', got: ''/,
    why: 'credentials are never allowed for a pattern that matches any host, such as https://*',
  },
  {
    suite: /^litmus against nginx/,
    test: /delete_fragment$/,
    why: 'a request target cannot have a fragment (RFC 9112 section 3.2.1), so it gets 400; nginx deletes the collection before the fragment',
  },
  {
    suite: /^boto3 against/,
    test: /^key '(?:\.\.;\/x|\.\/c|a\/\.\.\/b|\.\.\\\\x)'/,
    through: /^(?:ok )?(?:400|404) /,
    why: dots,
  },
]
