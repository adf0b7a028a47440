import {
  calculator,
  chainOfThought,
  clock,
  defineConfig,
  fewShot,
  knowledgeSearch,
  modelReranker,
  questionAnswering,
  researcher,
  sentiment,
  summarization,
  weather,
} from './tessera.ts';

/** The plugins of a server that names no list of its own. */
export default defineConfig({
  plugins: [
    questionAnswering(),
    summarization(),
    fewShot(),
    chainOfThought(),
    sentiment(),
    knowledgeSearch(),
    modelReranker(),
    calculator(),
    clock(),
    weather(),
    researcher(),
  ],
});
