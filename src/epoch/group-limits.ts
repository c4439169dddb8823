/** How much the groups of one home may take: memory, and what one event can cost. */
export interface GroupLimits {
  /** Members of one group; two at least. */
  readonly sizeMax: number;
  /** Groups of all sessions, those that have ended and are not left by all included. */
  readonly groupsMax: number;
  /**
   * Members of all groups. A group takes them for its whole size when its first member asks: so none that was begun fails
   * to fill because others were begun as well.
   */
  readonly membersMax: number;
  /** Groups that one session may be a member of. */
  readonly sessionGroupsMax: number;
}

export const GROUP_LIMITS: GroupLimits = {
  sizeMax: 1024,
  groupsMax: 1024,
  membersMax: 16_384,
  sessionGroupsMax: 64,
};
