import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileTemplate } from './compile-template.ts';
import { inputVariable } from './input-variable.ts';
import { UnreadableJson } from './parse-json.ts';
import { escapeJavaScript, templateFunctions } from './template-functions.ts';
import { TemplateError } from './value.ts';

const NO_PARAMETERS = { path: {}, querystring: {}, header: {} };

function render(template: string, body: string, header: Readonly<Record<string, string>> = {}): string {
  return compileTemplate(template)({
    input: inputVariable(body, { ...NO_PARAMETERS, header }),
    util: templateFunctions,
    context: { requestId: 'r-1' },
  });
}

/** Texts that try to get out of where a template puts them. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '$input.body',
        '#set($a=1)',
        '#end',
        '"',
        "'",
        '\\',
        '\\"',
        '${',
        '}',
        '","x":1',
        '/',
        '\n',
        '\u2028',
        'é',
        '😀',
      ),
    )
    .map((parts) => parts.join('')),
);

describe('a mapping template', () => {
  it('escapes any text so that it is one JSON text again', () => {
    const template = `{"note":"$util.escapeJavaScript($input.path('$.note')).replaceAll("\\\\'","'")","fixed":1}`;
    fc.assert(
      fc.property(hostile, (note) => {
        const written = render(template, JSON.stringify({ note }));

        expect(JSON.parse(written)).toEqual({ note, fixed: 1 });
      }),
    );
  });

  it('escapes as Java does: printable ASCII only, and quotes of both kinds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeJavaScript(text);

        expect(escaped).toMatch(/^[\x20-\x7e]*$/);
        expect(escaped).not.toMatch(/(^|[^\\])(\\\\)*["'/]/);
      }),
    );
  });

  it('writes a body as it came, as text, as base64, and as JSON', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
        const body = json.toWellFormed();
        const written = render(`$input.body\n$util.base64Encode($input.body)`, body);

        expect(written).toBe(`${body}\n${Buffer.from(body).toString('base64')}`);
        expect(JSON.parse(render(`$input.json('$')`, body))).toEqual(JSON.parse(body));
      }),
    );
  });

  it('looks at no text of a client as a template', () => {
    const template = `#set($h = $input.params('x'))#foreach($e in $input.path('$'))#set($t = "$e|$h")$t#end`;
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 5 }), hostile, (items, header) => {
        const written = render(template, JSON.stringify(items), { x: header });

        expect(written).toBe(items.map((item) => `${item}|${header}`).join(''));
      }),
    );
  });

  it('fails in the ways that are told of, whatever it is and whatever it is given', () => {
    const pieces = fc.constantFrom(
      ...[
        "$input.path('$.a')",
        "$input.json('$')",
        '$a',
        '$!{a.b}',
        '#set($a = ',
        ')',
        '#if(',
        '#end',
        '#foreach($e in ',
      ],
      ...[
        '$e',
        '#else',
        '[1..3]',
        '+ 1',
        '{"k": 1}',
        '"$a"',
        "'x'",
        '.b',
        '.get(0)',
        '.length()',
        '["k"]',
        '\\',
        '$',
        '#',
        '##',
      ],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), fc.json({ maxDepth: 2 }), (parts, body) => {
        let template: ReturnType<typeof compileTemplate>;
        try {
          template = compileTemplate(parts.join(''));
        } catch (error) {
          expect(String(error)).toMatch(/^Error: the template /);
          return;
        }
        try {
          const written = template({ input: inputVariable(body, NO_PARAMETERS), util: templateFunctions });
          expect(typeof written).toBe('string');
        } catch (error) {
          expect(error instanceof TemplateError || error instanceof UnreadableJson).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
