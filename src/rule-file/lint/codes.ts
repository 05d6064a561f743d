/** An error keeps the file from being loaded; a warning fails `check --strict`. */
export type Severity = 'error' | 'warning' | 'info'

interface CodeEntry<Usual extends Severity, Other extends Severity> {
  readonly severity: Usual
  /** Other severities: in the cases that the text names, or for values that the vendor's API has stored. */
  readonly or: readonly Other[]
  /** The text of `check --explain`. */
  readonly text: string
}

type Entry<Usual extends Severity> = <Other extends Severity = never>(
  text: string,
  ...or: Other[]
) => CodeEntry<Usual, Other>

const error: Entry<'error'> = (text, ...or) => ({ severity: 'error', or, text })
const warning: Entry<'warning'> = (text, ...or) => ({ severity: 'warning', or, text })
const info: Entry<'info'> = (text, ...or) => ({ severity: 'info', or, text })

/** Every finding code and its severity. Stable API: scripts and acceptance comments use them. */
export const codes = {
  // The file as a whole
  'file-too-large': error(
    'A rule file has at most 64 KiB, as much as COS and S3 store (OSS stores 16 KiB). Several origins can share one rule.',
  ),
  'not-utf8': error(
    'The file is not UTF-8. Editors on Windows may save UTF-16 or a code page; guessing the letters of an origin could allow a different one.',
  ),
  'control-character': error(
    'A NUL byte or another control character. A power failure can leave a file full of NUL bytes. Inside a value, control characters could split log lines and headers.',
  ),
  'empty-file': error(
    'The file is empty or contains only comments. An interrupted write looks the same, so the last good rules stay. To remove a bucket\'s rules, delete its file. To refuse every origin, write "rules: []".',
  ),
  'file-unreadable': error(
    'The file could not be read: it is missing, is not a regular file, this process has no permission to read it, or reading failed or took too long. `serve` tries again after a minute if the process that read the file ended or took too long.',
  ),
  converted: info('What "convert" changed or left out, because the two formats differ.'),
  'merge-conflict': error("The file contains Git's merge conflict markers."),
  bom: info('A byte order mark at the start is ignored. Some tools show it as part of the first key.'),
  'no-final-newline': warning(
    'A truncated YAML file still parses: https://b.com cut to https://b.co allows another origin. Only the missing final line break shows it. Write files under another name in the same directory, then rename them.',
  ),
  'more-findings': info(
    'The file has more findings than are printed. The severity is that of the worst one.',
    'warning',
    'error',
  ),
  // File names
  'file-name': warning(
    'Rule files are named BUCKET.yaml, .yml, .json or .xml, with the extension in lower case. This name looks like one, but the file is not read.',
  ),
  'bucket-name': error(
    'The part before the extension is the bucket: 1 to 63 of A-Z a-z 0-9 . _ -, starting with a letter or digit, or _default for the buckets without a file, or _service for requests without a bucket.',
  ),
  'file-named-cors': info(
    'A file is named after its bucket, so cors.json holds the rules of a bucket named "cors". Most files with that name hold a CORS configuration of some other bucket: rename the file to that bucket\'s name.',
  ),
  'no-rule-files': warning('The directory has no rule files, so it is probably the wrong directory.'),
  'duplicate-bucket': error(
    'Two files are named after the same bucket, e.g. photos.yaml and photos.json. Neither is loaded, because it is not clear which one is meant.',
  ),
  'duplicate-host': error(
    'The same host is in two files, so it is not clear which bucket a request for it addresses.',
  ),
  // YAML
  'yaml-bad-alias': error(
    'An unquoted * starts an alias in YAML. Write "*" and "https://*.example.com" in quotes. An alias must come after its anchor.',
  ),
  'yaml-tab-indent': error('YAML allows only spaces for indentation.'),
  'yaml-bad-indent': error('The indentation of this line matches none of the blocks above it.'),
  'yaml-nested-mapping': error(
    'A second ": " on the line makes YAML see a mapping inside a value. Put the value in quotes.',
  ),
  'yaml-alias-limit': error(
    'Aliases may be followed 20 times in one file. A few lines of nested aliases expand to gigabytes in some readers.',
  ),
  'yaml-too-deep': error('Nested deeper than 32 levels. A rule file needs five.'),
  'yaml-unknown-tag': error(
    'Tags such as !!binary or !ruby/object change the type of a value. Rule files do not need them.',
  ),
  'yaml-directive': error(
    'A %YAML or %TAG line changes how the file is read: under %YAML 1.1, NO is false and 010 is eight.',
  ),
  'yaml-multiple-documents': error(
    'A file must contain a single document. Given several, readers differ in which one they use.',
  ),
  'yaml-syntax': error('Not well-formed YAML 1.2.'),
  // JSON
  'json-syntax': error(
    'Not well-formed JSON (RFC 8259): no comments, no trailing commas, double quotes only.',
  ),
  'too-deep': error('Nested deeper than 32 levels. A rule file needs five.'),
  // XML
  'xml-syntax': error('Not well-formed XML 1.0.'),
  'xml-doctype': error(
    'A document type can include files and URLs and expand to gigabytes. An HTML error page saved as a rule file has one, too.',
  ),
  'xml-mixed-content': error(
    'Text between elements, or an element or comment inside a value. Readers that drop the comment join the text around it: https://a.com<!-- -->.evil.com becomes another origin.',
  ),
  'xml-wrong-root': error(
    'The root element must be CORSConfiguration. A namespace prefix is accepted only if every element has it.',
  ),
  'xml-too-deep': error('Nested deeper than 8 levels. A CORS configuration needs three.'),
  'xml-attribute': error('The elements of a CORS configuration have no attributes except xmlns.'),
  'xml-processing-instruction': error(
    'Processing instructions are not allowed, except <?xml …?> at the start of the file.',
  ),
  'xml-encoding': warning('The XML declaration names an encoding other than UTF-8, but the file is UTF-8.'),
  // Another kind of file
  'foreign-format': error(
    'A CORS configuration of another product, such as Google Cloud Storage or Terraform. Rule files are read in the formats of the S3 family; convert reads the others and prints what differs.',
  ),
  'computed-value': error(
    'A template computes this value at deployment. Replace it with the value that it has after deployment, then convert the file again.',
  ),
  'bucket-differs': warning(
    'The file contains an SDK call whose Bucket differs from the name of the file. The file name decides.',
  ),
  'wrong-extension': error(
    'The extension selects the format: .yaml or .yml, .json, .xml. The content of this file is in another of these formats.',
  ),
  'other-document': error(
    'The file is a configuration of something other than CORS, such as a bucket policy or an API description.',
  ),
  // Structure
  'unknown-key': error(
    'An unknown key, often a misspelt one. It is an error, because ignoring it could change what the rule allows.',
  ),
  'duplicate-key': error(
    'A key appears twice, or once in each of two formats. Readers differ in which one they use.',
  ),
  'wrong-type': error(
    'A value of the wrong type: a list or a number instead of text, for example, or null, which is how YAML reads a key without a value.',
  ),
  'missing-key': error(
    'A rule needs allowedOrigins and, unless a preset supplies them, allowedMethods; a test needs origin, method and expect.',
  ),
  'empty-list': error('A rule without origins or methods matches nothing, and no vendor stores it.'),
  'unsupported-value': error('This field accepts only certain values; the message lists them.'),
  'too-many-rules': error(
    'At most 100 rules, as in COS and S3; in dialect oss at most 20. Several origins can share one rule.',
  ),
  'no-rules': warning(
    'Without rules every cross-origin request is denied. In XML it is an error, because no vendor stores a CORSConfiguration without a CORSRule.',
    'error',
  ),
  'preset-unknown': error('There is no preset of that name.'),
  'preset-unsupported': error(
    'tus needs PATCH, which no rule of COS, OSS or S3 can allow: write the rule in dialect http.',
  ),
  'test-failed': error(
    "A test in the file fails with the file's own rules. Until it passes, the file is not loaded; after a reload the last good rules stay.",
  ),
  // Values
  'method-unsupported': error(
    'Rules of COS, OSS and S3 can allow GET, PUT, POST, DELETE and HEAD, in upper case; rules of dialect http can allow every method that a page can send. OPTIONS is the preflight itself and needs no permission.',
  ),
  'credentials-by-dialect': error(
    'COS and S3 send Access-Control-Allow-Credentials to every origin that a rule names; OSS never does. Only rules of dialect http can set allowCredentials.',
  ),
  'origin-empty': error('An empty origin matches nothing.'),
  'origin-too-long': error('The value is longer than any origin: a host name has at most 253 characters.'),
  'origin-placeholder': error(
    'A template placeholder, such as YOUR_APP_DOMAIN, that must be replaced by the host of the page.',
    'warning',
  ),
  'origin-control-character': error(
    'A line break or control character in an origin. In a response it would start another header.',
  ),
  'origin-not-ascii': error(
    'Browsers send host names in ASCII: résumé.com as xn--rsum-bpad.com. Typographic quotes and invisible characters, often from copied text, are not ASCII either.',
  ),
  'origin-list-in-one-value': error('One origin per list item. A comma is never part of an origin.'),
  'origin-whitespace': error('A space is never part of an origin.'),
  'origin-invalid-character': error(
    'A character that no origin has. Often an unrendered template such as {{ .Values.origin }}, or a regular expression; only * has a meaning here.',
  ),
  'origin-more-than-one-wildcard': error('An origin can contain at most one *, as in COS, OSS and S3.'),
  'origin-has-path': error(
    'An origin is scheme, host and port. Browsers never send a path, not even a trailing slash.',
    'warning',
  ),
  'origin-has-query-or-fragment': error(
    'An origin has no query and no fragment. A question mark is not a wildcard.',
  ),
  'origin-has-userinfo': error('An origin has no user name and no password.'),
  'origin-without-host': error('There is a scheme, but no host.'),
  'origin-empty-label': error(
    'Two dots in a row, or a dot at the start of the host. For subdomains write https://*.example.com.',
  ),
  'origin-upper-case': error(
    'Browsers send origins in lower case, and the comparison is case-sensitive.',
    'warning',
  ),
  'origin-bad-port': error('A port is a number from 1 to 65535 without leading zeros.'),
  'origin-default-port': error(
    'Browsers omit :80 after http and :443 after https, so this can never match.',
    'warning',
  ),
  'origin-ipv4-not-canonical': error(
    'Browsers turn 127.1, 0x7f.0.0.1 and 2130706433 into 127.0.0.1 before they send it.',
  ),
  'origin-ipv6-not-compressed': error('Browsers send an IPv6 address in its shortest form, in lower case.'),
  'origin-file': warning(
    'Some web views (Android WebView, Cordova) send Origin: file:// for every page of the file system; browsers send "null". It is treated like "null": only an equal entry or * matches it, and credentials are never allowed.',
  ),
  'origin-file-prohibited': error(
    'A page that was opened from a file has the origin "null" or, in some web views, exactly "file://", never a file URL with a host or path.',
  ),
  'header-invalid-name': error(
    'Not a header name. Write one name per item; names usually consist of letters, digits and hyphens. A line break would start another header in the response.',
  ),
  'header-underscore': warning(
    'The COS console does not accept underscores. Many servers, including nginx by default, drop headers with underscores.',
  ),
  'header-more-than-one-wildcard': error('A header name can contain at most one *, as in COS, OSS and S3.'),
  'expose-wildcard': error(
    'Exposed headers must be listed by name. No vendor accepts a * here, and with credentials browsers take it literally.',
  ),
  'id-too-long': error('An id has at most 255 characters.'),
  'id-invalid': error(
    'The id contains a control character or an invisible character. Ids are shown in logs, in metrics and in debug headers.',
  ),
  'host-invalid': error('A hosts entry is a full host name, without scheme, port, path or wildcard.'),
  'maxage-out-of-range': warning(
    'Browsers cache a preflight response for at most 7200 seconds (Chromium) or 86400 seconds (Firefox). A negative value is an error.',
    'error',
  ),
  'maxage-not-decimal': warning(
    '0o1130, 0600 and 6e2 are numbers in YAML, but readers disagree on their values.',
  ),
  // Lint: too permissive
  'origin-pattern-matches-any-host': warning(
    'https://* and h* are "*" in disguise. Access-Control-Allow-Credentials is not sent for them, although the vendors would send it.',
  ),
  'origin-pattern-public-suffix': warning(
    "Anyone can get a name below github.io, vercel.app, co.uk or an object store's endpoint, and this pattern allows every page there.",
  ),
  'origin-wildcard-not-on-label-boundary': warning(
    'https://*example.com also matches https://evilexample.com, which anyone can register (CVE-2024-27302). Put a dot after the * if you own all subdomains. Names such as https://*-myteam.vercel.app can only be listed one by one.',
  ),
  'origin-trailing-wildcard-open-suffix': warning(
    'https://example.* also matches https://example.evil.com, and http://10.0.0.* matches http://10.0.0.evil.com (CVE-2019-25211). The end of a host name decides who owns it.',
  ),
  'origin-pattern-without-scheme': warning(
    'A pattern without a scheme also matches http:// pages, which anyone on the network path can modify. Such entries are matched as text, as the vendors do.',
  ),
  'origin-without-scheme': warning(
    'Browsers always send the scheme, so this never matches, even with a * for the port or a subdomain. The vendors store such entries anyway.',
  ),
  'origin-wildcard-in-scheme': warning(
    'http*:// also matches http:// pages, which anyone on the network path can modify.',
  ),
  'origin-scheme-never-sent': warning(
    'Origins of pages start with http, https or the scheme of an app or extension, never with a WebSocket or FTP scheme.',
  ),
  'origin-insecure-with-credentials': warning(
    "Anyone on the network path can change a page that is served over http, and then act with the permissions of its origin. If Access-Control-Allow-Credentials is sent (COS and S3 always do, OSS never does, dialect http does if the rule has allowCredentials: true), that includes the visitor's cookies for the store. localhost is exempt because browsers treat it as secure.",
  ),
  'origin-null-prohibited': warning(
    'Every sandboxed frame has the origin "null", so any page can have it. The entry is honoured, as by the vendors, but without credentials.',
  ),
  'origin-private-range': warning(
    'A private address belongs to a different machine on every network. On hotel Wi-Fi, this entry allows a machine of the hotel.',
  ),
  'origin-localhost': info(
    "Fine for development. In production it allows every program that listens on that port of a visitor's machine.",
  ),
  'write-methods-for-any-origin': warning(
    "PUT, POST or DELETE is allowed for every origin. Any page can then write with its visitor's access: presigned URLs, network position, anonymous write access.",
  ),
  // Lint: ineffective
  'origin-label-hyphen': warning(
    'A label of a host name neither starts nor ends with a hyphen (RFC 1123 section 2.1), so this never matches. A * inside a label is allowed: https://*-myteam.example.com.',
  ),
  'origin-beside-any': warning(
    'A rule with "*" among its origins answers every origin with "*" and without credentials, as S3 does. The other origins have no effect: remove them, or remove "*" and allow only the named ones.',
  ),
  'content-type-not-allowed': warning(
    'Browsers request content-type in the preflight of every upload, except for text/plain, forms and URL-encoded data. If no rule allows it, the upload of an image or of JSON is refused.',
  ),
  'oss-user-agent-missing': warning(
    'ali-oss sends x-oss-user-agent with every request, so its preflight is refused if only its other headers are allowed. The preset ali-oss has them all.',
  ),
  'allowed-cors-header': info(
    'Access-Control-Allow-Origin and the like are response headers. A page that sends them as request headers only makes its own requests fail: remove them from the page and from this list.',
  ),
  'etag-not-exposed': warning(
    'In multipart uploads, every SDK sends the parts with PUT, reads the ETag of each and fails without it. A single upload succeeds, but the page cannot read its ETag.',
  ),
  'amz-sdk-headers-missing': warning(
    'The AWS SDK for JavaScript v3 sends amz-sdk-invocation-id and amz-sdk-request with every call, so its preflight is refused if only x-amz-* is allowed. The preset aws-sdk-js-v3 has them all.',
  ),
  'head-missing': info(
    'HEAD is not implied by GET. SDKs, players and DuckDB use HEAD to get the size of an object.',
  ),
  'post-missing': info(
    'Multipart uploads start and finish with POST. PUT alone is enough for presigned single uploads.',
  ),
  'header-forbidden': info(
    'Pages cannot send these request headers or read these response headers. Content-Length, Origin and the like are harmless in the list. Cookie, Host and Set-Cookie are a warning, because a page that depends on them will fail.',
    'warning',
  ),
  'header-safelisted': info(
    'Browsers need no permission for this header, unless it is a request header whose value is longer than 128 bytes or has unusual characters, such as quotes.',
  ),
  'expose-cors-header': info('Access-Control-* headers are for the browser, not for pages.'),
  'maxage-zero': info('0 disables the preflight cache, so every request becomes two.'),
  'maxage-above-browser-cap': info(
    'Chromium caps the time at 7200 seconds, so it sees changed rules after two hours at the latest.',
  ),
  'rule-shadowed': warning(
    'The first matching rule decides. Earlier rules match every request that this rule could allow, so this rule, its exposed headers and its max-age are never used.',
  ),
  'rule-never-matches': warning('No browser sends any origin of this rule.'),
  'host-mapping': info(
    'These rules apply to every request with this Host. A store that does not map the host to this bucket reads the bucket from the path instead, so these rules then apply to objects of another bucket. If the path starts with the name of another bucket that has a rule file, the rules of both must allow the request.',
  ),
  'duplicate-id': warning('Two rules with the same id look like one rule in logs and metrics.'),
  'duplicate-entry': info('A list contains the same value twice.'),
  // Acceptances
  'acceptance-malformed': warning(
    'The comment does not have the form "# cors-sidecar: allow CODE because REASON", or CODE is unknown or an error. An unindented comment applies to the whole file. An indented comment on its own line applies to the next line and the lines indented below that. A comment after a value applies to that line and the lines indented below it. In XML, a comment before the root element applies to the whole file, and any other comment to the next element. Errors cannot be accepted. JSON has no comments.',
  ),
  'acceptance-without-reason': warning(
    'An acceptance has to give its reason, so that a later reader of the file can judge it. Without a reason the comment has no effect.',
  ),
  'acceptance-unused': info(
    'The finding that this comment accepts no longer exists, and the comment would hide it if it came back.',
  ),
} as const satisfies Readonly<Record<string, CodeEntry<Severity, Severity>>>

export type FindingCode = keyof typeof codes

type SeverityOf<Code extends FindingCode> =
  | (typeof codes)[Code]['severity']
  | (typeof codes)[Code]['or'][number]

/** Codes that are errors, except where the table gives another severity. */
export type ErrorCode = {
  [Code in FindingCode]: (typeof codes)[Code]['severity'] extends 'error' ? Code : never
}[FindingCode]

export interface Rated {
  readonly severity: Severity
  readonly code: FindingCode
}

/** The only place where a finding gets its severity. `severity` selects one of several that the table lists. */
export const rated = <Code extends FindingCode>(
  code: Code,
  severity: SeverityOf<Code> = codes[code].severity,
): Rated => ({ severity, code })

export const isCode = (code: string): code is FindingCode => Object.hasOwn(codes, code)
