import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { checkSuiteData, type CheckSuite } from './check-suite.ts';
import { checkEntity, type Entity } from './entity.ts';
import { checkService, type FeatureService } from './feature-service.ts';
import { checkView, type FeatureView } from './feature-view.ts';
import { checkOnDemandData, type OnDemandViewData } from './on-demand-view.ts';

/** What can be applied to a feature store; an on-demand view comes with its function, or with none where it is only to be known. */
export type Definition = Entity | FeatureView | OnDemandViewData | FeatureService | CheckSuite;

/** Checks a definition wherever it came from, parsed from JSON for example. */
export function checkDefinition(definition: Definition, path: string): void {
  switch ((definition as Partial<Definition> | null)?.kind) {
    case 'entity':
      return checkEntity(definition as Entity, path);
    case 'feature-view':
      return checkView(definition as FeatureView, path);
    case 'on-demand-view':
      return checkOnDemandData(definition as OnDemandViewData, path);
    case 'feature-service':
      return checkService(definition as FeatureService, path);
    case 'check-suite':
      return checkSuiteData(definition as CheckSuite, path);
    default:
      throw new ValidationError(`${path} is ${shown(definition, 80)}; give what entity(), featureView(), onDemandView(), featureService() or checkSuite() made.`, { path });
  }
}
