import * as v from "valibot";

export const agentCommandNames = ["lock_device", "wipe_device"] as const;
export type AgentCommandName = (typeof agentCommandNames)[number];

/** What an admin wants an agent to do; it comes again until it is acknowledged, and is to be done once. */
export const agentCommandSchema = v.object({
  id: v.pipe(v.string(), v.maxLength(64)),
  command: v.picklist(agentCommandNames),
});
export type AgentCommand = v.InferOutput<typeof agentCommandSchema>;

/** The acknowledgement of an agent. */
export const commandResultSchema = v.object({
  id: v.pipe(v.string(), v.maxLength(64)),
  done: v.boolean(),
  /** What happened, in a sentence for admins. */
  said: v.pipe(v.string(), v.maxLength(200)),
});
export type CommandResult = v.InferOutput<typeof commandResultSchema>;
