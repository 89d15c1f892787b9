// Requests of ECS and of Batch on ECS that `bellhop adapt` takes.
import type { Adapting } from './_adapting.ts';
import { READ_ON } from './_ecs.ts';

const MEMBERS = 'containerDefinitions[]';
const OVERRIDES = 'overrides.containerOverrides[]';

/** RegisterTaskDefinition and RunTask. */
export const ECS_ADAPT: readonly Adapting[] = [
  {
    operation: 'RegisterTaskDefinition',
    name: 'family',
    image: `${MEMBERS}.image`,
    variables: `${MEMBERS}.environment`,
    isList: true,
    entrypoint: `${MEMBERS}.entryPoint`,
    arguments: `${MEMBERS}.command`,
    isDefinition: true,
    secrets: `${MEMBERS}.secrets`,
  },
  {
    operation: 'RunTask',
    name: 'taskDefinition',
    variables: `${OVERRIDES}.environment`,
    isList: true,
    arguments: `${OVERRIDES}.command`,
    over: 'arguments',
    nodes: 'count',
  },
];

/** RegisterJobDefinition and SubmitJob. */
export const BATCH_ADAPT: readonly Adapting[] = [
  {
    operation: 'RegisterJobDefinition',
    name: 'jobDefinitionName',
    image: 'containerProperties.image',
    variables: 'containerProperties.environment',
    isList: true,
    arguments: 'containerProperties.command',
    isDefinition: true,
    secrets: 'containerProperties.secrets',
    // awsdocs/aws-batch-user-guide@39859a8: parameters are put into the command.
    replaced: 'Ref::',
    others: ['ecsProperties', 'eksProperties', 'nodeProperties'],
  },
  {
    operation: 'SubmitJob',
    name: 'jobDefinition',
    variables: 'containerOverrides.environment',
    isList: true,
    arguments: 'containerOverrides.command',
    over: 'command',
    nodes: 'arrayProperties.size',
    replaced: 'Ref::',
    others: ['ecsPropertiesOverride', 'eksPropertiesOverride', 'nodeOverrides'],
    caps: [
      {
        kind: 'form',
        operation: 'SubmitJob',
        at: 'containerOverrides.command',
        of: 'value',
        pattern: '[\\s\\S]+',
        source: 'awsdocs/aws-batch-user-guide@39859a8 (no empty string in a command)',
        readOn: READ_ON,
        sure: 'documented',
      },
    ],
  },
];
