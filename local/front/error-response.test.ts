import { expect, it } from '@jest/globals';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { errorResponse } from './error-response.ts';

const bodyOf = (message: string): string => {
  const response = errorResponse({ code: 'NoSuchKey', message, status: 404 }, { headers: {} }, 's3', 'id');
  return String(response.body);
};

it.each([
  ['markup', '<a b="c">&', '&lt;a b=&quot;c&quot;&gt;&amp;'],
  ['line ends', 'a\r\n\tb', 'a&#xd;&#xa;&#x9;b'],
  ['control characters that XML has', 'a\u007f\u0085b', 'a&#x7f;&#x85;b'],
  ['control characters that XML has not', 'a\u0000\u0001\u001bb', 'a\\u0000\\u0001\\u001bb'],
  ['halves of a character', 'a\ud800b', 'a\\ud800b'],
  ['other text', 'Ärger 😀', 'Ärger 😀'],
])('writes %s so that any parser of XML takes it', (_claim, message, written) => {
  const body = bodyOf(message);

  expect(body).toContain(`<Message>${written}</Message>`);
  expect(XMLValidator.validate(body)).toBe(true);
  expect(new XMLParser().parse(body)).toMatchObject({ Error: { Code: 'NoSuchKey' } });
});
