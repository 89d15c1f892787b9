// The lists that the rules of tidy-rules.ts read: each entry that is an exception has its reason.

/** Who may import whom; every folder may import itself. `cli` may import everything. */
export const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  wire: ['core'],
  plan: ['core', 'wire'],
  stores: ['core', 'wire'],
  targets: ['core', 'plan'],
  injectors: ['core', 'wire', 'plan'],
  entrypoint: ['core', 'wire', 'plan', 'stores'],
  webhook: ['core', 'wire', 'plan', 'injectors', 'stores'],
  relay: ['core', 'wire'],
  submit: ['core', 'plan', 'targets', 'stores'],
  parity: ['core', 'plan'],
};
/** What comes from outside of src/, beside what src/core/io takes; each with its reason. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'src/cli/parse.ts': ['node:util'], // parseArgs is a pure function
  'src/entrypoint/data-key.ts': ['age-encryption'], // only where last good is on
  'src/stores/_sops.ts': ['age-encryption'], // only where a file is sealed by sops
  'src/plan/settings.ts': ['valibot'], // the schema of bellhop.yaml
  'src/plan/settings-metrics.ts': ['valibot'],
  'src/plan/settings-parts.ts': ['valibot'],
  'src/plan/settings-submit.ts': ['valibot'],
  'src/webhook/settings.ts': ['valibot'], // the schema of the webhook's section
  'src/webhook/settings-certificates.ts': ['valibot'],
  'src/webhook/settings-global.ts': ['valibot'],
  'src/webhook/settings-invalidation.ts': ['valibot'],
  'src/webhook/settings-registry.ts': ['valibot'],
  'src/webhook/listen.ts': ['node:net', 'node:tls'], // the webhook's ports
  'src/webhook/http2.ts': ['node:http2', 'node:net'], // only where enableHTTP2 is set
  'src/webhook/certificates-x509.ts': ['node:crypto'], // keys and certificates
  'src/parity/snapshot-schema.ts': ['valibot'], // the schema of snapshots
  'src/plan/plan-schema.ts': ['valibot'], // the schema of plans, outside of the start path
};

/** Where a sealed value may be opened, and what for. */
export const REVEALS: ReadonlySet<string> = new Set([
  'src/entrypoint/environment.ts', // becomes a variable or an argument
  'src/entrypoint/mount-files.ts', // is written to a file outside of volumes, to be mounted
  'src/entrypoint/plain-file.ts', // the same, where it is to be seen
  'src/entrypoint/links.ts', // the same, without the right to mount
  'src/entrypoint/pull.ts', // is written into a volume that the pod shares
  'src/entrypoint/carried.ts', // a ConfigMap of the input goes along with the plan
  'src/entrypoint/plan-source.ts', // what was fetched is the plan itself
  'src/entrypoint/replaced.ts', // is merged with the platform's own file, and written
  'src/entrypoint/tree-writer.ts', // is written to a file of a volume
  'src/entrypoint/last-good.ts', // is encrypted, to be used when every store is down
  'src/entrypoint/data-key.ts', // the age identity that it is encrypted under
  'src/stores/http.ts', // a credential becomes a header
  'src/stores/_rest.ts', // a credential becomes part of a request for a token
  'src/stores/_aws-sources.ts', // an access key signs requests
  'src/webhook/embedded-place.ts', // a value of the webhook's store goes into a pod
  'src/webhook/value-names.ts', // a value goes into the Secret beside a pod, and into its name
  'src/webhook/value-cache.ts', // a value that was kept goes into a pod
  'src/cli/webhook-pulled.ts', // a value of a store goes into the webhook's cache, and a pod's Secret
  'src/entrypoint/select.ts', // a JSON object is taken apart; its members are sealed again
]);

/** Names of plug-ins that other code may say, and why. */
export const NAMED: Readonly<Record<string, readonly string[]>> = {
  // The kind of store that holds what Flyte's type asks for.
  'src/injectors/aws.ts': ['aws-secrets-manager'],
  'src/injectors/azure.ts': ['azure-key-vault'],
  'src/injectors/gcp.ts': ['gcp-secret-manager'],
  'src/cli/webhook.ts': ['embedded'], // the name of a cache, in metrics
  // Flyte's own types of stores, and what they are here.
  'src/webhook/embedded-place.ts': ['aws-secrets-manager', 'gcp-secret-manager', 'azure-key-vault'],
  'src/plan/bind.ts': ['embedded'], // the store of what stands in the input, bound by default
  // The platform's own secrets are those of this kind of store.
  'src/targets/cloud-run-job.ts': ['gcp-secret-manager'],
  'src/targets/azure-container-apps-job.ts': ['azure-key-vault'],
  'src/stores/_aws-endpoints.ts': ['s3'], // the service's own name, in hosts and signatures
};

/** Names of plug-ins that are words of bellhop's own too: as a name they cannot be told apart. */
export const OWN_WORDS: ReadonlySet<string> = new Set([
  'file', // a kind of placement, and of an entry of a folder
  'env', // a layer of variables, and a field of the manifest
  'http', // a scheme of URLs
  'kubernetes', // where pods come from, and a system that gives rights
  'aws', // a system that gives rights, and a way to log in elsewhere
  'azure', // a system that gives rights
  'local', // what is here, not elsewhere
  'vault', // a system that gives rights, and what Azure calls its stores
]);
