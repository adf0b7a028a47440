import { expect, test } from 'vitest';
import { htmlToText } from '../../../src/cli/ingest/html/html-text.ts';
import { SourceProblem } from '../../../src/cli/ingest/source-problem.ts';

const read = (html: string) => htmlToText(new TextEncoder().encode(html));
const textOf = (html: string): string => read(html).text;

test('keeps the words of a page, and the title apart', () => {
  const page = `<!doctype html><html><head><meta charset="utf-8"><title> Fish
    &amp; <b>ships</title><style>p { color: red }</style></head>
    <body><nav>Menu</nav><p>Herrings <b>swim</b>in <i> shoals</i>,&nbsp;says <a href="/x">Brehm</a>.
    <div>A&#x20;caf&eacute;<br>with a<br><br>gap <constructor>and</constructor> more</div><hr>
    <svg><title>No title</title><text>drawn</text></svg><template><p>later</p></template>
    <script>track("<p>no</p>")</script><noscript>No script</noscript><p> </p><h2> </h2>End</body></html>`;
  expect(read(page)).toEqual({
    title: 'Fish & <b>ships',
    text: 'Herrings swimin shoals,\u00a0says Brehm.\n\nA café\nwith a\n\ngap and more\n\n---\n\nEnd',
  });
  expect(read('')).toEqual({ text: '', title: null });
});

test('reads only the main part of a page that has one', () => {
  expect(textOf('<body>Menu<main><p>One</p><main>Two</main></main>Footer<main>Three</main>')).toBe(
    'One\n\nTwo',
  );
  expect(textOf('<table><tr><td>Menu<td><div role="main"><h1>One</h1>Two</div>Three')).toBe(
    '# One\n\nTwo',
  );
  expect(textOf('<nav><main>Menu</main></nav>Text')).toBe('Text');
  expect(textOf('<p>Before<main>Never closed')).toBe('Never closed');
});

test('writes headings, lists and quotations as Markdown', () => {
  const page = `<h1>Tea<br>leaves</h1>Intro<ul><li>Green<ul><li>Sencha<li>Gyokuro</ul><li><p>Black</p><p>Assam</p></ul>
    <ol start=9><li>Boil<li>Steep</ol><ol start=x><li>Pour</ol>
    <blockquote><p>Tea is <em>good</em>.</p><p>Drink it.</p></blockquote><dl><dt>Oolong<dd>Half way</dl>`;
  expect(textOf(page)).toBe(`# Tea leaves

Intro

- Green
  - Sencha
  - Gyokuro

- Black

  Assam

9. Boil
10. Steep

1. Pour

> Tea is good.
>
> Drink it.

Oolong
Half way`);
  expect(textOf('<h2>Never closed<p>A paragraph.<h2>Next</h2>')).toBe(
    '## Never closed\n\nA paragraph.\n\n## Next',
  );
});

test('keeps what is preformatted as it stands', () => {
  const code = '\r\n\tif (a  &lt; b) {\n<span>\n  return;</span>\n}\n\n';
  expect(textOf(`Before<pre><code>${code}</code></pre>after`)).toBe(
    'Before\n\n```\n\tif (a  < b) {\n\n  return;\n}\n```\n\nafter',
  );
  expect(textOf('<pre><div>one</div><div>two</div>three<br>four</pre>')).toBe(
    '```\none\ntwo\nthree\nfour\n```',
  );
  expect(textOf('<ul><li>Type<pre>```\na ````b\n```</pre></ul>')).toBe(
    '- Type\n\n  `````\n  ```\n  a ````b\n  ```\n  `````',
  );
  expect(textOf('<pre>\n </pre>')).toBe('');
  expect(textOf(`<pre>${'``` '.repeat(500_000)}`)).toMatch(/^````\n``` ``` /);
});

test('writes rows of words as a table, and others as blocks', () => {
  const page = `<table><caption>Fish</caption><thead><tr><th>Name</th><th>Length</th></tr></thead>
    <tr><td><p>Her<br>ring</p></td><td>30&nbsp;cm</td></tr><tr><td></td><td></td></tr>
    <tr><th>Cod<td colspan=1000000></tr></table>`;
  expect(textOf(page)).toBe(
    'Fish\n\n| Name | Length |\n| --- | --- |\n| Her ring | 30\u00a0cm |\n| Cod |  |',
  );
  const layout = `<table><tr><td><h2>Left</h2>Words<td><table><tr><td>a<td>b</table></table>
    <table><tr><td><p>Alone</p><p>in its row</p></table><td>of no table`;
  expect(textOf(layout)).toBe(
    '## Left\n\nWords\n\n| a | b |\n\nAlone\n\nin its row\n\nof no table',
  );
});

test('reads a page in pieces without a seam', () => {
  const rest = '<p>a&amp;<b>é</b>漢字🐟 <br><pre>x\r\ny</pre>';
  for (let padding = 65_536 - 60; padding <= 65_536; padding++) {
    expect(textOf(`<!--${'-'.repeat(padding - 7)}-->${rest}`)).toBe('a&é漢字🐟\n\n```\nx\ny\n```');
  }
});

test('what is nested without end is refused, or no deeper than it need be', () => {
  expect(() => textOf('<div>'.repeat(20_000))).toThrow(
    new SourceProblem('nests deeper than any page should'),
  );
  const lists = textOf('<ul><li>item'.repeat(3_000));
  expect(lists.split('item')).toHaveLength(3_001);
  expect(lists.length).toBeLessThan(100_000);
});

test('takes the encoding that the page names', () => {
  const latin = (html: string) => htmlToText(new Uint8Array(Buffer.from(html, 'latin1'))).text;
  expect(latin('<meta charset="iso-8859-1">caf\xe9')).toBe('café');
  expect(() => latin('<p>caf\xe9')).toThrow('is not UTF-8: convert it, or mend its encoding');
  expect(() => latin('<meta charset="klingon">x')).toThrow('is not KLINGON');
  expect(htmlToText(new Uint8Array(Buffer.from('\ufeff<p>Tee', 'utf16le'))).text).toBe('Tee');
});
