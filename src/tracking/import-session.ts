/** The session of all points that were imported into a run. */
export const importSession = 'import.0';
