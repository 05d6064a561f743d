import type { Severity } from '../../plan/finding.ts'

/** What `check --explain` says of a code. `severity` is the mildest the code has. */
interface CodeExplanation {
  readonly severity: Severity
  readonly text: string
}

const error = (text: string): CodeExplanation => ({ severity: 'error', text })
const warning = (text: string): CodeExplanation => ({ severity: 'warning', text })
const info = (text: string): CodeExplanation => ({ severity: 'info', text })

/** Every code that a finding can have. Codes are stable: scripts and acceptance comments name them. */
export const codes = {
  // The file as such
  'file-too-large': error(
    'COS and S3 store configurations of at most 64 KiB, OSS of 16 KiB. A rule file is held to the same limit, so that reading it never blocks the process. Several origins can share one rule.',
  ),
  'not-utf8': error(
    'The file is not UTF-8. Editors on Windows may save UTF-16 or a code page; an origin read with guessed letters would be another origin.',
  ),
  'control-character': error(
    'A NUL byte or another control character. A file system that lost power leaves files full of NUL bytes; inside a value they split log lines and headers.',
  ),
  'empty-file': error(
    'Nothing, or nothing but comments. This is what a write that was cut off looks like, so the last good rules stay. To remove the rules of a bucket delete its file; to refuse every origin write "rules: []".',
  ),
  'file-unreadable': error(
    'The file could not be read: it is missing, no regular file, or this process may not read it.',
  ),
  'merge-conflict': error('Git left the marks of a merge conflict in the file.'),
  bom: info('A byte order mark at the start is ignored. Some tools show it as part of the first key.'),
  'no-final-newline': warning(
    'A YAML file that was cut off still parses: https://b.com cut to https://b.co lets another site in. Only the missing line end at the end of the file shows it. Write files under another name in the same directory and rename them.',
  ),
  'more-findings': info(
    'The file has more findings than are printed. Its severity is that of the worst of them.',
  ),
  // Names in the directory
  'file-name': warning(
    'Rule files are named BUCKET.yaml, .yml, .json or .xml, in lower case. This name looks as if it was meant to be one, and is not read.',
  ),
  'bucket-name': error(
    'The part before the extension is the bucket: 1 to 63 of A-Z a-z 0-9 . _ -, starting with a letter or digit, or _default for the buckets without a file, or _service for requests without a bucket.',
  ),
  'file-named-cors': info(
    'A file is named after its bucket, so cors.json holds the rules of a bucket named "cors". That is what most files with a CORS configuration are called; name it after the bucket that it is for.',
  ),
  'no-rule-files': warning('A directory without a single rule file: most likely not the one that was meant.'),
  'duplicate-bucket': error(
    'Two files are named after the same bucket, e.g. photos.yaml and photos.json. Neither is loaded: which one is meant cannot be known.',
  ),
  'duplicate-host': error(
    'The same host is in two files. A request for it could not be given to one bucket.',
  ),
  // YAML
  'yaml-bad-alias': error(
    'An unquoted * begins an alias in YAML. Write "*" and "https://*.example.com" in quotes. An alias can only be used below the anchor it names.',
  ),
  'yaml-tab-indent': error('YAML is indented with spaces only.'),
  'yaml-bad-indent': error('The indentation of this line fits none of the blocks above it.'),
  'yaml-nested-mapping': error(
    'A second ": " on the line makes YAML see a mapping inside a value. Put the value in quotes.',
  ),
  'yaml-alias-limit': error(
    'Aliases may be followed 20 times in one file. A few lines of nested aliases expand to gigabytes in some readers.',
  ),
  'yaml-too-deep': error('Nested deeper than 32 levels. A rule file needs five.'),
  'yaml-unknown-tag': error(
    'Tags such as !!binary or !ruby/object change what a value is. No rule file needs them.',
  ),
  'yaml-directive': error(
    'A %YAML or %TAG line changes how the file is read: under %YAML 1.1, NO is false and 010 is eight.',
  ),
  'yaml-multiple-documents': error(
    'A file holds one document. Readers differ in which of several they take.',
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
    'A document type can pull in files and addresses and expand to gigabytes. Also what an HTML error page looks like that was saved under the name of a rule file.',
  ),
  'xml-mixed-content': error(
    'Text between elements, or an element or comment inside a value. Readers that drop the comment join what stands around it: https://a.com<!-- -->.evil.com becomes another origin.',
  ),
  'xml-wrong-root': error('The root element is CORSConfiguration, without a prefix.'),
  'xml-too-deep': error('Nested deeper than 8 levels. A CORS configuration needs three.'),
  'xml-attribute': error('The elements of a CORS configuration have no attributes, but for xmlns.'),
  'xml-processing-instruction': error(
    'Processing instructions are not allowed. Only <?xml …?> may begin the file.',
  ),
  'xml-encoding': warning('The XML declaration names an encoding that is not the one of the file, UTF-8.'),
  // Another kind of file
  'wrong-extension': error(
    'The extension chooses the reader: .yaml and .yml, .json, .xml. This file is written in another of these formats than its name says.',
  ),
  'other-document': error(
    'The file is a configuration of something else than CORS, such as a bucket policy or an API description.',
  ),
  // Shape
  'unknown-key': error(
    'A key that no spelling knows, often a misspelt one. It is not skipped: a rule without what was misspelt allows something else than its author wrote.',
  ),
  'duplicate-key': error(
    'A key is given twice, or once in each of two spellings. Readers differ in which one they take.',
  ),
  'wrong-type': error(
    'A list where a text belongs, a number where a text belongs, and so on; null where nothing was written.',
  ),
  'missing-key': error(
    'A rule needs allowedOrigins and, unless a preset gives them, allowedMethods; a test needs origin, method and expect.',
  ),
  'empty-list': error('A rule without origins or methods matches nothing, and no vendor stores it.'),
  'unsupported-value': error('One of a few words belongs here.'),
  'too-many-rules': error('COS and S3 store at most 100 rules, OSS 20. Several origins can share one rule.'),
  'no-rules': warning(
    'Without rules every cross-origin request is refused. As XML it is an error, since no vendor stores a CORSConfiguration without a CORSRule.',
  ),
  'preset-unknown': error('There is no preset of that name.'),
  'preset-unsupported': error('tus needs PATCH, which no rule of COS, OSS or S3 can allow.'),
  'test-failed': error(
    'A test in the file does not hold for the rules in the file. Until it does, the file is not used; on a reload the last good rules stay.',
  ),
  // Values
  'method-unsupported': error(
    'Rules know GET, PUT, POST, DELETE and HEAD, in upper case, as COS, OSS and S3 do. OPTIONS is the preflight itself and needs no permission.',
  ),
  'credentials-by-dialect': error(
    'COS and S3 send Access-Control-Allow-Credentials to every origin that a rule names, OSS never does. Only a rule of dialect http says it itself.',
  ),
  'origin-empty': error('An empty origin matches nothing.'),
  'origin-too-long': error('No origin is as long: a host name has at most 253 characters.'),
  'origin-placeholder': error(
    'A name of a template, such as YOUR_APP_DOMAIN, that is still to be replaced by the host of the page.',
  ),
  'origin-control-character': error(
    'A line break or control character in an origin. In a response header it would begin a header of its own.',
  ),
  'origin-not-ascii': error(
    'Browsers send host names in ASCII: résumé.com as xn--rsum-bpad.com. Also typographic quotes and invisible characters that came with a copied text.',
  ),
  'origin-list-in-one-value': error('One origin per list item. A comma is never part of an origin.'),
  'origin-whitespace': error('A space is never part of an origin.'),
  'origin-invalid-character': error(
    'A character that no origin has. Often a template such as {{ .Values.origin }} that was not rendered, or a regular expression; only * has a meaning here.',
  ),
  'origin-more-than-one-wildcard': error('COS, OSS and S3 allow one * in an origin.'),
  'origin-has-path': error(
    'An origin is scheme, host and port. Browsers never send a path, not even the slash at the end.',
  ),
  'origin-has-query-or-fragment': error(
    'An origin has no query and no fragment. A question mark is no wildcard.',
  ),
  'origin-has-userinfo': error('An origin has no user name and no password.'),
  'origin-without-host': error('There is a scheme, but no host.'),
  'origin-empty-label': error(
    'Two dots in a row, or a dot at the start of the host. For subdomains write https://*.example.com.',
  ),
  'origin-upper-case': error('Browsers send origins in lower case, and they are compared letter by letter.'),
  'origin-bad-port': error('A port is a number from 1 to 65535 without leading zeros.'),
  'origin-default-port': error(
    'Browsers leave out :80 after http and :443 after https, so this can never match.',
  ),
  'origin-ipv4-not-canonical': error(
    'Browsers turn 127.1, 0x7f.0.0.1 and 2130706433 into 127.0.0.1 before they send it.',
  ),
  'origin-ipv6-not-compressed': error('Browsers send an IPv6 address in its shortest form, in lower case.'),
  'origin-file': warning(
    'Some web views (Android WebView, Cordova) send Origin: file:// for every page of the file system, browsers send "null". It is answered like "null": to the letter, never by a pattern but *, and without credentials.',
  ),
  'origin-file-prohibited': error('A page that was opened from a file has the origin "null", never file://.'),
  'header-invalid-name': error(
    'Not a header name. One name per item; letters, digits and hyphens as a rule. A line break would begin a header of its own in the response.',
  ),
  'header-underscore': warning(
    'The form of the COS console takes letters and hyphens, no underscore. Many servers, nginx by default, drop such a header before a program sees it.',
  ),
  'header-more-than-one-wildcard': error('COS, OSS and S3 allow one * in a header name.'),
  'expose-wildcard': error(
    'Exposed headers are named one by one; no vendor takes a * there, and with credentials browsers take it for a name.',
  ),
  'id-too-long': error('An id has at most 255 characters.'),
  'id-invalid': error(
    'A control character or an invisible one in an id. Ids are shown in logs, in metrics and in debug headers.',
  ),
  'host-invalid': error('A hosts entry is a host name in full: without scheme, port, path and wildcard.'),
  'maxage-out-of-range': warning(
    'Browsers keep the answer to a preflight for 7200 seconds (Chromium) or 86400 seconds (Firefox) at most. Below zero it is an error.',
  ),
  'maxage-not-decimal': warning(
    '0o1130, 0600 and 6e2 are numbers in YAML, but not the same ones for every reader.',
  ),
  // Lint: who gets in
  'origin-pattern-matches-any-host': warning(
    'https://* and h* are "*" in disguise. Access-Control-Allow-Credentials is not sent for them, although the vendors would.',
  ),
  'origin-pattern-public-suffix': warning(
    'Below github.io, vercel.app, co.uk or the endpoint of an object store anyone can get a name, and with it a page that this pattern lets in.',
  ),
  'origin-wildcard-not-on-label-boundary': warning(
    'https://*example.com also matches https://evilexample.com, which anyone can register (CVE-2024-27302). Put a dot after the * where all that is below the domain is yours; names such as https://*-myteam.vercel.app can only be listed one by one.',
  ),
  'origin-trailing-wildcard-open-suffix': warning(
    'https://example.* also matches https://example.evil.com, and http://10.0.0.* matches http://10.0.0.evil.com (CVE-2019-25211). The end of a host name is who owns it.',
  ),
  'origin-pattern-without-scheme': warning(
    'A pattern without scheme matches http:// too, where anyone on the way can write the page. Such entries are matched as text, as the vendors do.',
  ),
  'origin-without-scheme': warning(
    'Browsers always send the scheme, so this never matches, with a * for the port or a subdomain neither. The vendors store such entries all the same.',
  ),
  'origin-wildcard-in-scheme': warning(
    'http*:// also matches http://, where anyone on the way can write the page.',
  ),
  'origin-scheme-never-sent': warning(
    'Pages have origins with http, https or the scheme of an app or extension. WebSocket and FTP addresses are none.',
  ),
  'origin-insecure-with-credentials': warning(
    'Whoever is on the way of an http page can change it, and so act with the permissions of the origin. localhost is exempt: browsers treat it as secure.',
  ),
  'origin-null-prohibited': warning(
    'The origin "null" is that of every sandboxed frame, so any site can have it. It is honoured, as the vendors do, but without credentials.',
  ),
  'origin-private-range': warning(
    'A private address belongs to another machine in every network. A visitor in a hotel network meets the machine of that hotel.',
  ),
  'origin-localhost': info(
    'Fine for development. In production it lets in whatever runs on the machine of a visitor.',
  ),
  'write-methods-for-any-origin': warning(
    'PUT, POST or DELETE for every site. Any page can then use what its visitor is able to do: presigned URLs, network position, anonymous write access.',
  ),
  // Lint: what does not help
  'origin-label-hyphen': warning(
    'The parts of a host name between its dots neither begin nor end with a hyphen (RFC 1123 section 2.1), so this never matches. A * inside a label is allowed: https://*-myteam.example.com.',
  ),
  'origin-beside-any': warning(
    'A rule with "*" among its origins answers every origin with "*" and without credentials, as S3 does. The origins beside it are without effect: remove them, or remove "*" and allow only the named ones.',
  ),
  'content-type-not-allowed': warning(
    'Browsers ask for content-type in the preflight of every upload but those of text/plain, forms and URL-encoded data. Where no rule allows it, PUT of an image or of JSON is refused.',
  ),
  'oss-user-agent-missing': warning(
    'ali-oss sends x-oss-user-agent with every request, so that its preflight is refused where only its other headers are allowed. The preset ali-oss has them all.',
  ),
  'allowed-cors-header': info(
    'Access-Control-Allow-Origin and the like are response headers. A page that sends them only makes its requests fail: remove them there, and here.',
  ),
  'etag-not-exposed': warning(
    'Multipart uploads of every SDK send the parts with PUT, read ETag from each and fail without it; after single uploads it is silently missing.',
  ),
  'amz-sdk-headers-missing': warning(
    'The AWS SDK for JavaScript v3 sends amz-sdk-invocation-id and amz-sdk-request with every call, so that its preflight is refused where only x-amz-* is allowed. The preset aws-sdk-js-v3 has them all.',
  ),
  'head-missing': info(
    'HEAD is not implied by GET. SDKs, players and DuckDB ask with HEAD for the size of an object.',
  ),
  'post-missing': info(
    'Uploads in parts begin and end with POST; PUT alone is enough for presigned single uploads.',
  ),
  'header-forbidden': info(
    'Browsers neither let pages send these request headers nor read these response headers. Content-Length, Origin and the like do no harm in the list; Cookie, Host and Set-Cookie are a warning, since a page that counts on them will fail.',
  ),
  'header-safelisted': info(
    'Needs no permission. Request headers in this list do once their value is longer than 128 bytes.',
  ),
  'expose-cors-header': info('Access-Control-* headers are evaluated by the browser.'),
  'maxage-zero': info('0 switches the cache for preflights off: every request costs two.'),
  'maxage-above-browser-cap': info(
    'Chromium caps the time at 7200 seconds, so a change of the rules is seen after two hours there in any case.',
  ),
  'rule-shadowed': warning(
    'The first rule that matches decides. Rules before this one match every request that it could allow, so it never has a say, nor have its exposed headers and its max-age.',
  ),
  'rule-never-matches': warning('No browser sends an origin that this rule has.'),
  'host-mapping': info(
    'These rules answer every request with this Host. A store that is not set up with the host reads the bucket from the path, so the host is of no use there; where the path begins with the name of a bucket that has a rule file, the rules of both must allow the request.',
  ),
  'duplicate-id': warning('Two rules with one id are one rule in logs and metrics.'),
  'duplicate-entry': info('The same value twice in one list.'),
  // Acceptances
  'acceptance-malformed': warning(
    'A comment "# cors-sidecar: allow CODE because REASON" accepts a finding: unindented for the whole file; indented, on its own line, for the line that follows and what is indented below it; behind a value for that line and what is below it. In XML, before the root element for the file, else for the next element. Errors cannot be accepted. JSON has no comments.',
  ),
  'acceptance-without-reason': warning(
    'An acceptance names its reason, for whoever reads the file next year. Without one it has no effect.',
  ),
  'acceptance-unused': info(
    'The finding that this comment accepts is gone, and the comment would hide it when it comes back.',
  ),
} as const satisfies Readonly<Record<string, CodeExplanation>>

export type FindingCode = keyof typeof codes

export const isCode = (code: string): code is FindingCode => Object.hasOwn(codes, code)
