import { describe, expect, it } from '@jest/globals';
import { compileTemplate, FOREACH_ITERATIONS_MAX } from './compile-template.ts';
import { inputVariable } from './input-variable.ts';
import { UnreadableJson } from './parse-json.ts';
import { templateFunctions } from './template-functions.ts';
import { TemplateError, type VtlMap } from './value.ts';

const PARAMETERS = {
  path: { dataset: 'earthquakes' },
  querystring: { from: 'query', dataset: 'hidden' },
  header: { 'idempotency-key': 'k', from: 'header', accept: '*/*' },
};

const BODY = {
  id: 'a',
  n: 1,
  none: null,
  yes: true,
  list: [{ k: 1 }, { k: 'b' }],
  'odd name': { x: [1, [2, 3]] },
  empty: '',
};

function render(template: string, body = JSON.stringify(BODY)): string {
  const context: VtlMap = { requestId: 'r-1', error: { message: 'no' }, responseOverride: { header: {} } };
  return compileTemplate(template)({
    input: inputVariable(body, PARAMETERS),
    util: templateFunctions,
    context,
    stageVariables: { colour: 'blue' },
  });
}

describe('$input', () => {
  it.each([
    ['$input.body', JSON.stringify(BODY)],
    [`$input.json('$.id')`, '"a"'],
    [`$input.json('$.list')`, '[{"k":1},{"k":"b"}]'],
    [`$input.json('$.none')`, 'null'],
    [`$input.json('$.missing')`, '""'],
    [`$input.json("$['odd name'].x[1][0]")`, '2'],
    [`$input.json('$.list[*].k')`, '[1,"b"]'],
    [`$input.path('$.list.length()')`, '2'],
    [`$input.path('$.id')`, 'a'],
    [`$input.path('$.missing.more')`, ''],
    [`$input.path('$').list[1].k`, 'b'],
    [`$input.path('$.list')`, '[{"k":1},{"k":"b"}]'],
    [`$input.path('$.list[0]')`, '{k=1}'],
    [`$input.params('dataset')-$input.params('from')`, 'earthquakes-query'],
    [`$input.params('Idempotency-Key')|$input.params('missing')`, 'k|'],
    [`$input.params().header.get('Idempotency-Key')$input.params().path.dataset`, 'kearthquakes'],
    [`#foreach($h in $input.params().header.keySet())$h #end`, 'idempotency-key from accept '],
  ])('%s gives %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it('has an empty object for an empty body', () => {
    expect(render(`$input.body$input.json('$')`, '')).toBe('{}{}');
  });

  it('keeps the digits of numbers as JSON, and writes them as Java does', () => {
    const body = '{"big":12345678901234567890,"f":1.50,"e":1e400,"x":1e21,"s":0.0001,"i":2.0,"n":7}';

    expect(render(`$input.json('$')`, body)).toBe(body);
    expect(render(`$input.path('$')`, body)).toBe(
      '{big=12345678901234567890, f=1.5, e=Infinity, x=1.0E21, s=1.0E-4, i=2.0, n=7}',
    );
  });

  it.each([
    ['an open map', '{'],
    ['an open text', '"a'],
    ['a comma too much', '[1,]'],
    ['what nests too deep', `${'['.repeat(1_001)}${']'.repeat(1_001)}`],
  ])('refuses to read %s as JSON', (_claim, body) => {
    expect(() => render(`$input.path('$.a')`, body)).toThrow(UnreadableJson);
    expect(render('$input.body', body)).toBe(body);
  });
});

describe('$util', () => {
  it.each([
    [`$util.base64Encode('ü€😀')`, Buffer.from('ü€😀').toString('base64')],
    [`$util.base64Decode('w7zigqw=')`, 'ü€'],
    [`$util.escapeJavaScript('a"b/c\\é')`, 'a\\"b\\/c\\\\\\u00E9'],
    [`$util.escapeJavaScript("it's")`, "it\\'s"],
    [`$util.escapeJavaScript("it's").replaceAll("\\\\'","'")`, "it's"],
    [`$util.urlEncode("a b&ü~'")`, 'a+b%26%C3%BC%7E%27'],
    [`$util.urlDecode('a+b%26%C3%BC')`, 'a b&ü'],
    [`#set($o = $util.parseJson('{"a":{"b":[1,2]}}'))$o.a.b[1]`, '2'],
  ])('%s gives %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});

describe('a directive', () => {
  it.each([
    [`#if($input.path('$.yes'))a#{else}b#end`, 'a'],
    [`#if($input.path('$.none'))a#elseif($input.path('$.n') == 1)b#{else}c#end`, 'b'],
    [`#if($input.path('$.empty') && $input.path('$.empty').length() != 0)a#{else}b#end`, 'b'],
    [`#if(!$input.path('$.none') && "$!none" == '')a#end`, 'a'],
    [`#if($input.path('$.n') > 0 || $undefined)a#end`, 'a'],
    [`#if("1" == 1 && 1.0 == 1 && $nothing == $null)a#end`, 'a'],
    [`#foreach($e in $input.path('$.list'))$foreach.index:$e.k#if($foreach.hasNext),#end#end`, '0:1,1:b'],
    [`#foreach($i in [1..9])$i#if($i == 3)#break#end#end.`, '123.'],
    [`#foreach($a in [1,2])#foreach($b in [3,4])$a$b #end#end`, '13 14 23 24 '],
    [`#set($x = 7)#set($y = $x / 2)$y #set($z = $x % 4 * -1)$z #set($t = 'a' + $x)$t`, '3 -3 a7'],
    [`#set($m = {"a": 1})#set($m.b = 'x')$m.put('c', true)$m`, '{a=1, b=x, c=true}'],
    [`#set($l = [1])#set($done = $l.add('b'))$l $l.size() $l.get(1)`, '[1,"b"] 2 b'],
    [`#set($context.responseOverride.status = 207)$context.responseOverride.status`, '207'],
    [`## a comment\n#* another *#a`, 'a'],
    [`$undefined $!undefined \${undefined} $5 a$ #no`, `$undefined  \${undefined} $5 a$ #no`],
    [`$context.requestId $context.error.message $context.missing $stageVariables.colour`, 'r-1 no  blue'],
    [
      `#set($s = "\${context.requestId}-\${stageVariables.colour}")$s $s.substring(0, 3) $s.toUpperCase()`,
      'r-1-blue r-1 R-1-BLUE',
    ],
  ])('%s writes %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it('#foreach ends after its most iterations, without an error', () => {
    const body = JSON.stringify(Array.from({ length: FOREACH_ITERATIONS_MAX + 500 }, () => 1));

    expect(render(`#foreach($e in $input.path('$'))$e#end`, body)).toBe('1'.repeat(FOREACH_ITERATIONS_MAX));
  });

  it('keeps a variable of its own in a loop', () => {
    expect(render(`#set($e = 'outer')#foreach($e in [1,2])$e#end$e`)).toBe('12outer');
  });
});

describe('a template', () => {
  it.each([
    ['#macro(f $a)$a#end', /#macro is not run locally/],
    [`#evaluate('x')`, /#evaluate is not run locally/],
    ['#if($a', /Parse error/],
    ['$a()', /methods are called of a value/],
    ['x'.repeat(300 * 1024 + 1), /a template of 307201 bytes, allowed: 307200/],
  ])('%# of these is refused when it is read', (source, message) => {
    expect(() => compileTemplate(source)).toThrow(message);
  });

  it.each([
    [`$input.path('$..a')`, 'the JSONPath "$..a" is not served locally'],
    [`$input.path('$.id').explode()`, 'a string has no method explode locally'],
    [`$util.toJson('a')`, '$util has no method toJson locally'],
    [`$input.path('$.id').substring(2, 9)`, 'substring(2, 9) of a text of 1 characters'],
    [`$input.path('$.list').get(7)`, 'get(7) of a list of 2'],
    [`#if($input.path('$.empty'))a#end`, 'true in Velocity 1, false in Velocity 2'],
    [`#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..1000])#end#end#end`, 'steps'],
    [`#set($x = 'aaaaaaaa')#foreach($i in [1..40])#set($x = "$x$x")#end`, 'characters'],
    [`#set($util.a = 1)`, '#set: $util has no member a that can be set'],
  ])('%s fails by name when it is rendered', (source, message) => {
    const run = (): string => render(source);

    expect(run).toThrow(TemplateError);
    expect(run).toThrow(message);
  });

  it('reaches no member of a JavaScript object, whatever a client names its members', () => {
    const body = '{"__proto__":{"polluted":"own"},"constructor":"c","toString":"t"}';

    expect(render(`$input.path('$').constructor|$input.path('$.toString')|$input.path('$.id').constructor`, body)).toBe(
      'c|t|',
    );
    expect(render(`$input.path('$.__proto__.polluted')$input.path('$').hasOwnProperty`, body)).toBe('own');
    expect(render(`#set($m = {})#set($m["__proto__"] = {"a": 1})$m.a`)).toBe('');
    expect(Object.hasOwn(Object.prototype, 'a')).toBe(false);
  });
});
