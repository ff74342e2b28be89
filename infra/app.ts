/**
 * Entry of the CDK CLI: `cdk deploy --all` deploys prod; `--context environment=dev` another environment, and
 * `--context region=… --context account=…` another place.
 */
import { buildApp } from './build-app.ts';

try {
  // The CLI says which region the caller's profile means; its --context region wins.
  buildApp({ context: { region: process.env.CDK_DEFAULT_REGION } }).synth();
} catch (error) {
  console.error(Error.isError(error) ? error.message : String(error));
  process.exitCode = 1;
}
