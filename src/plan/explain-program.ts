import type { Plan } from './types.ts';

/** What is started, and who has said so. */
export interface ExplainedArgv {
  readonly from: string;
  readonly words: readonly string[];
}

/** The pod's command and args over the image's, as Kubernetes puts them together. */
export function argvOf(plan: Plan): ExplainedArgv {
  const argv = plan.placements.find((one) => one.kind === 'argv');
  const { entrypoint = [], cmd = [] } = plan.image;
  const command = { from: "the pod's command", words: argv?.command ?? [] };
  const args = { from: "the pod's args", words: argv?.args ?? [] };
  const isOwn = command.words.length > 0;
  const head = isOwn ? command : { from: "the image's ENTRYPOINT", words: entrypoint };
  const imageCmd = { from: "the image's CMD", words: isOwn ? [] : cmd };
  const parts = [head, args.words.length > 0 ? args : imageCmd].filter(
    (one) => one.words.length > 0,
  );
  const from = parts.map((one) => one.from).join(' and ');
  const words = parts.flatMap((one) => one.words);
  return { from: from || 'nothing: give the command behind --', words };
}

/** Who the program will be, in words. */
export function identityText({ identity, image }: Plan): string {
  const user = identity.user ?? (image.user || undefined);
  const parts = [
    user === undefined ? 'the user that the container has' : `user ${user}`,
    ...(identity.group === undefined ? [] : [`group ${identity.group}`]),
    ...(identity.supplementalGroups.length === 0
      ? []
      : [`groups ${identity.supplementalGroups.join(' ')}`]),
    ...(identity.noNewPrivileges === true ? ['no new privileges'] : []),
  ];
  return parts.join(', ');
}
