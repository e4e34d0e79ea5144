import table from '../../node_modules/vega-datasets/data/penguins.json' with { type: 'json' };
import { seeded } from './seeded.ts';

/** What is measured of a penguin, by the names of the model's inputs. */
export interface Penguin {
  readonly beakLength: number;
  readonly beakDepth: number;
  readonly flipperLength: number;
  readonly bodyMass: number;
}

export const species = ['Adelie', 'Chinstrap', 'Gentoo'] as const;
export type Species = (typeof species)[number];
export const measures = ['beakLength', 'beakDepth', 'flipperLength', 'bodyMass'] as const;

export interface Example {
  readonly penguin: Penguin;
  readonly species: Species;
}

/** Rows to train with, and rows that the training never sees. */
export interface Split {
  readonly train: readonly Example[];
  readonly test: readonly Example[];
}

/** The penguins of which everything was measured. */
function examples(): Example[] {
  return table.flatMap((row) => {
    const penguin = { beakLength: row['Beak Length (mm)'], beakDepth: row['Beak Depth (mm)'], flipperLength: row['Flipper Length (mm)'], bodyMass: row['Body Mass (g)'] };
    return measures.every((name) => penguin[name] !== null) ? [{ penguin: penguin as Penguin, species: row.Species as Species }] : [];
  });
}

/** The same split in every browser: all models are compared by the same rows, and drift is told by those that all were trained with. */
export function split(): Split {
  const rows = shuffled(examples(), 1);
  const cut = Math.round(rows.length * 0.75);
  return { train: rows.slice(0, cut), test: rows.slice(cut) };
}

/** Penguins as somebody may ask for: drawn from all, their flippers longer by `shift` millimetres. */
export function requests(count: number, shift: number, seed: number): Penguin[] {
  const [random, rows] = [seeded(seed), examples()];
  return Array.from({ length: count }, () => {
    const { penguin } = rows[Math.floor(random() * rows.length)]!;
    return { ...penguin, flipperLength: penguin.flipperLength + shift };
  });
}

/** Penguins as columns, for a profile. */
export function columnsOf(penguins: readonly Penguin[]): Record<keyof Penguin, Float64Array> {
  const column = (name: keyof Penguin): Float64Array => Float64Array.from(penguins, (penguin) => penguin[name]);
  return { beakLength: column('beakLength'), beakDepth: column('beakDepth'), flipperLength: column('flipperLength'), bodyMass: column('bodyMass') };
}

function shuffled<T>(rows: T[], seed: number): T[] {
  const random = seeded(seed);
  for (let i = rows.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [rows[i], rows[j]] = [rows[j]!, rows[i]!];
  }
  return rows;
}
