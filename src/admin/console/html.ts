/** The console's page, without its data. `base` is where its files stand, `main` the module that fills it. */
export const pageHtml = (base: string, main: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>cors-sidecar console</title>
<link rel="icon" href="${base}icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${base}uplot.css">
<link rel="stylesheet" href="${base}console.css">
<script src="${base}uplot.js" defer></script>
<script src="${main}" type="module"></script>
</head>
<body>
<a class="skip" href="#denials">Skip to the refused requests</a>
<header>
  <div class="bar">
    <h1>cors-sidecar <span class="soft">console</span></h1>
    <nav aria-label="Sections">
      <a href="#denials">Refused</a>
      <a href="#rates">Rates</a>
      <a href="#buckets">Buckets</a>
      <a href="#try">Try a request</a>
      <a href="#rule">Write a rule</a>
    </nav>
    <p class="status" id="status" role="status"><span class="dot"></span> <span id="status-text">connecting …</span></p>
  </div>
</header>

<main>
<div id="alarm" class="alarm" role="alert" hidden></div>

<dl class="tiles" id="tiles">
  <div><dt>Allowed</dt><dd id="tile-allowed">–</dd></div>
  <div><dt>Refused</dt><dd id="tile-denied">–</dd></div>
  <div><dt>Rule files in order</dt><dd id="tile-ok">–</dd></div>
  <div><dt>Files in trouble</dt><dd id="tile-trouble">–</dd></div>
</dl>

<section id="denials" class="card" aria-labelledby="denials-title" tabindex="-1">
  <div class="head">
    <h2 id="denials-title">Refused requests</h2>
    <div class="choices">
      <label>Order <select id="denials-order">
        <option value="latest">latest first</option>
        <option value="count">most frequent first</option>
      </select></label>
    </div>
  </div>
  <p class="soft" id="denials-lead">A browser does not tell a page why it was refused. Here is why, and the change that
  would allow it. The same bucket, origin and reason are counted together.</p>
  <div id="denial-list" class="list"></div>
</section>

<section id="rates" class="card" aria-labelledby="rates-title">
  <div class="head">
    <h2 id="rates-title">Allowed and refused per second</h2>
    <div class="choices">
      <label>Requests <select id="rates-kind">
        <option value="all">all</option>
        <option value="preflight">preflights</option>
        <option value="actual">actual requests</option>
      </select></label>
      <label>Time <select id="rates-window">
        <option value="300">5 minutes</option>
        <option value="900">15 minutes</option>
        <option value="3600">1 hour</option>
      </select></label>
    </div>
  </div>
  <div id="plot" class="plot" role="img" aria-label="Rates over time; the table below has the totals"></div>
  <div class="scroll" tabindex="0" role="region" aria-label="Totals by reason">
    <table class="totals">
      <thead><tr><th scope="col">Decision</th><th scope="col" class="number">Preflights</th><th scope="col" class="number">Actual requests</th></tr></thead>
      <tbody id="totals"></tbody>
    </table>
  </div>
</section>

<section id="buckets" class="card" aria-labelledby="buckets-title">
  <div class="head">
    <h2 id="buckets-title">Buckets</h2>
    <div class="choices">
      <label>Find <input id="find" type="search" autocomplete="off" spellcheck="false" placeholder="part of a name"></label>
      <button type="button" id="reload">Reload the rules now</button>
    </div>
  </div>
  <p id="reload-result" class="soft" role="status"></p>
  <div id="bucket-list" class="list"></div>
  <p id="bucket-more" class="soft"></p>
</section>

<section id="try" class="card" aria-labelledby="try-title">
  <h2 id="try-title">Try a request</h2>
  <p class="soft">What would be answered to a page, worked out by the code that answers. Nothing is sent to the store.
  The address of this page then names the request, so that you can pass it on.</p>
  <form id="try-form" class="fields" novalidate>
    <label>Bucket <input name="bucket" required autocomplete="off" spellcheck="false" list="bucket-names"></label>
    <label>Object <input name="path" autocomplete="off" spellcheck="false" placeholder="/exampleobject"></label>
    <label>Origin of the page <input name="origin" required autocomplete="off" spellcheck="false" placeholder="https://example.com"></label>
    <label>Method <select name="method">
      <option>GET</option><option selected>PUT</option><option>POST</option><option>DELETE</option><option>HEAD</option>
    </select></label>
    <label>What is asked about <select name="actual"><option value="">the preflight</option><option value="true">the request itself</option></select></label>
    <label class="wide">Headers that the page sets <input name="headers" autocomplete="off" spellcheck="false" placeholder="content-type, x-amz-date"></label>
    <p class="wide actions"><button class="primary">Explain</button></p>
  </form>
  <div id="try-result" class="result" aria-live="polite"></div>
</section>

<section id="rule" class="card" aria-labelledby="rule-title">
  <h2 id="rule-title">Write a rule</h2>
  <p class="soft">The form of the COS console. It makes the file to commit, checked as you type by the code that loads it.</p>
  <div class="columns">
    <form id="rule-form" class="fields" novalidate>
      <label>Bucket <input name="bucket" autocomplete="off" spellcheck="false" list="bucket-names" aria-describedby="rule-bucket-says"></label>
      <label>Name of the rule <input name="id" autocomplete="off" spellcheck="false" placeholder="optional" aria-describedby="rule-id-says"></label>
      <label class="wide">Start with <select name="preset"><option value="">nothing</option></select></label>
      <label class="wide">Origins, one per line
        <textarea name="allowedOrigins" rows="3" spellcheck="false" placeholder="https://example.com&#10;https://*.example.org" aria-describedby="rule-allowedOrigins-says"></textarea></label>
      <fieldset class="wide" aria-describedby="rule-allowedMethods-says">
        <legend>Methods</legend>
        <label class="check"><input type="checkbox" name="allowedMethods" value="PUT"> PUT</label>
        <label class="check"><input type="checkbox" name="allowedMethods" value="GET" checked> GET</label>
        <label class="check"><input type="checkbox" name="allowedMethods" value="POST"> POST</label>
        <label class="check"><input type="checkbox" name="allowedMethods" value="DELETE"> DELETE</label>
        <label class="check"><input type="checkbox" name="allowedMethods" value="HEAD"> HEAD</label>
      </fieldset>
      <label>Allowed headers, one per line
        <textarea name="allowedHeaders" rows="3" spellcheck="false" placeholder="*" aria-describedby="rule-allowedHeaders-says"></textarea></label>
      <label>Exposed headers, one per line
        <textarea name="exposeHeaders" rows="3" spellcheck="false" placeholder="ETag" aria-describedby="rule-exposeHeaders-says"></textarea></label>
      <label>Max-age, seconds <input name="maxAgeSeconds" inputmode="numeric" autocomplete="off" placeholder="600" aria-describedby="rule-maxAgeSeconds-says"></label>
    </form>
    <div class="made">
      <div class="head"><h3 id="rule-file">BUCKET.yaml</h3><span id="rule-copy"></span></div>
      <pre id="rule-yaml" tabindex="0" aria-labelledby="rule-file"></pre>
      <div id="rule-findings" aria-live="polite"></div>
    </div>
  </div>
</section>
</main>
<footer class="soft"><span id="version">cors-sidecar</span> · <a href="/metrics">metrics</a> · <a href="/-/rules">rules as JSON</a> · <a href="/-/denials">denials as JSON</a></footer>
<datalist id="bucket-names"></datalist>
<noscript><p class="alarm">This page needs JavaScript; <a href="/-/denials">/-/denials</a>, <a href="/-/rules">/-/rules</a> and /-/explain say the same as JSON.</p></noscript>
</body>
</html>
`

/** A shield with a tick. */
export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#1d4ed8" d="M12 1.500 21 5.500v6.500c0 5.200-3.800 9-9 10.500C6.800 21 3 17.200 3 12V5.500z"/><path d="m7.500 12 3 3 6-6.500" fill="none" stroke="#fff" stroke-width="2.200" stroke-linecap="round" stroke-linejoin="round"/></svg>'
