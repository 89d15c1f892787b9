// Names by which Flyte's tasks ask for secrets; apart from the codec, which few starts need.

/** Annotations whose names begin so are secrets, whatever follows. */
export const SECRET_ANNOTATION = 'flyte.secrets/s';
/** The label by which the API server chooses the pods. */
export const SECRETS_LABEL = 'inject-flyte-secrets';
