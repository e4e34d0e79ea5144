import { offerWays } from './lines.ts';
import { followPlots } from './plots.ts';
import { makeSortable } from './tables.ts';

makeSortable(document);
followPlots(document);
offerWays(document);
