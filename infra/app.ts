/**
 * Entry of the CDK CLI. `cdk deploy --all` deploys prod; `--context environment=dev` another environment, and
 * `--context region=… --context account=…` another place.
 */
import { buildApp } from './build-app.ts';
import { parseEnvironment } from './settings.ts';

// The CLI hands its --context to the app in this variable, as JSON.
const context: Readonly<Record<string, unknown>> = JSON.parse(process.env.CDK_CONTEXT_JSON ?? '{}');
buildApp({ environment: parseEnvironment(String(context.environment ?? 'prod')) }).synth();
