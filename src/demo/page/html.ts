/** The demo's page. Everything that differs from run to run is filled in by its script. */
export const pageHtml = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>cors-sidecar demo</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page.css">
<script src="/main.js" type="module"></script>
</head>
<body>
<noscript><p>The buttons of this page need JavaScript.</p></noscript>
<a class="skip" href="#steps">Skip to the steps</a>
<header>
  <h1>cors-sidecar <span class="tag">demo</span></h1>
  <p class="lead">This page, the sidecar and the store are three origins to your browser. Every button below sends
  a real cross-origin request; what you read is what your browser and the sidecar made of it.</p>

  <ol class="route" aria-label="The way of a request">
    <li class="box">
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><rect x="2.5" y="4" width="19" height="16" rx="2.5"/><path d="M2.5 9h19M6 6.5h.01M8.5 6.5h.01"/></svg>
      <h2>This page</h2>
      <p class="url" id="page-origin">&hellip;</p>
      <p>in your browser</p>
    </li>
    <li class="arrow" aria-hidden="true"><svg viewBox="0 0 48 24"><path d="M3 8h38m-6-5 6 5-6 5M45 18H7"/></svg></li>
    <li class="box main">
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2.5 20 6v6c0 4.8-3.4 8.3-8 9.500C7.4 20.3 4 16.8 4 12V6z"/><path d="m8.5 12 2.5 2.5 4.5-5"/></svg>
      <h2>cors-sidecar</h2>
      <p class="url" id="sidecar-origin">&hellip;</p>
      <p>answers preflights from <code>photos.yaml</code> and <code>reports.yaml</code>, in the words of <code id="dialect">&hellip;</code></p>
    </li>
    <li class="arrow" aria-hidden="true"><svg viewBox="0 0 48 24"><path d="M3 8h38m-6-5 6 5-6 5M45 18H7"/></svg></li>
    <li class="box">
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 6.500A1.5 1.5 0 0 1 4.5 5H9l2.5 3h8A1.5 1.5 0 0 1 21 9.500v8a1.5 1.5 0 0 1-1.5 1.500h-15A1.5 1.5 0 0 1 3 17.500z"/></svg>
      <h2>The store</h2>
      <p class="url" id="store-origin">&hellip;</p>
      <p>a folder; it knows no CORS at all</p>
    </li>
  </ol>

  <p class="actions"><button type="button" id="play" class="primary">Play the whole story</button>
  <span class="hint" id="play-status" role="status">or go through the steps one by one</span></p>
</header>

<main id="steps">
<section class="card" aria-labelledby="title-1">
  <h2 id="title-1"><span class="number">1</span> Without the sidecar</h2>
  <p>The page asks the store itself. The store answers, but says nothing about origins, so the browser keeps the
  answer from the page, and does not say why.</p>
  <p class="actions"><button type="button" id="direct">Ask the store directly</button></p>
  <div class="result" id="direct-result" aria-live="polite"></div>
</section>

<section class="card" aria-labelledby="title-2">
  <h2 id="title-2"><span class="number">2</span> Upload to <code>photos</code>, across origins</h2>
  <p>A <code>PUT</code> with a header of its own makes the browser ask first: the preflight. The sidecar answers it from
  <code>photos.yaml</code>; the store never sees it.</p>
  <form id="upload" class="fields">
    <label>Text to upload <textarea id="upload-text" rows="2" maxlength="4000">Hello from another origin.</textarea></label>
    <label>or a file, up to 8&nbsp;MiB <input type="file" id="upload-file"></label>
    <label>Header <code>x-meta-author</code> <input type="text" id="upload-author" value="ada" maxlength="100" pattern="[ -~]*" autocomplete="off" spellcheck="false"></label>
    <p class="actions"><button type="submit">Upload</button></p>
  </form>
  <div class="result" id="upload-result" aria-live="polite"></div>
</section>

<section class="card" aria-labelledby="title-3">
  <h2 id="title-3"><span class="number">3</span> Read it back</h2>
  <p>A script sees only the headers that the rule exposes. The rule of <code>photos</code> exposes <code>ETag</code> and
  <code>x-meta-author</code>, not <code>x-store-node</code>.</p>
  <p class="actions"><button type="button" id="read">Download</button></p>
  <div class="result" id="read-result" aria-live="polite"></div>
</section>

<section class="card" aria-labelledby="title-4">
  <h2 id="title-4"><span class="number">4</span> Refused, and why</h2>
  <form id="refused">
    <fieldset class="choices">
      <legend>Send what the rules do not allow</legend>
      <label><input type="radio" name="case" value="method" checked> <span><code>PUT</code> into <code>reports</code></span></label>
      <label><input type="radio" name="case" value="delete"> <span><code>DELETE</code> in <code>photos</code></span></label>
      <label><input type="radio" name="case" value="header"> <span>header <code>x-secret</code> to <code>photos</code></span></label>
    </fieldset>
    <p class="actions"><button type="submit">Send it</button></p>
  </form>
  <div class="sides" id="refused-result" aria-live="polite"></div>
</section>

<section class="card" aria-labelledby="title-5">
  <h2 id="title-5"><span class="number">5</span> Change the rule, see it pass</h2>
  <p>This is the rule file as it stands in the demo's folder. Save a change: the sidecar takes it over without a restart,
  and a file with a mistake in it is never taken over.</p>
  <form id="editor" class="fields">
    <label><span>rules/<span id="rules-name">reports.yaml</span></span>
    <textarea id="rules-text" class="code" rows="12" maxlength="16000" spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off"></textarea></label>
    <p class="actions"><button type="button" id="allow">Allow it</button>
    <button type="submit" id="save" class="primary">Save and send again</button>
    <button type="button" id="restore" class="quiet">Put the example back</button></p>
  </form>
  <div class="result" id="editor-result" aria-live="polite"></div>
</section>

<section class="card wide" aria-labelledby="title-6">
  <h2 id="title-6">What happened so far</h2>
  <div class="scroll" tabindex="0" role="region" aria-labelledby="title-6">
  <table id="log">
    <thead><tr><th scope="col">Request</th><th scope="col">Outcome</th><th scope="col">The browser said</th><th scope="col">The sidecar says</th></tr></thead>
    <tbody><tr class="empty"><td colspan="4">Nothing yet.</td></tr></tbody>
  </table>
  </div>
</section>
</main>

<footer>
  <p><a id="admin-link" href="/">The sidecar&rsquo;s console</a> counts every one of these requests; so do its
  <a id="metrics-link" href="/">metrics</a>. The rules are in <code id="rules-folder">&hellip;</code>: edit them there, too.
  Ctrl-C ends the demo and removes its folder.</p>
</footer>
</body>
</html>
`

/** The page's icon. */
export const pageIcon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#2563eb" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"><path d="M12 2.5 20 6v6c0 4.8-3.4 8.3-8 9.500C7.4 20.3 4 16.8 4 12V6z"/><path d="m8.5 12 2.5 2.5 4.5-5"/></svg>
`
