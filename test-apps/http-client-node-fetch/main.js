// main.js URL COUNT: fetches it with fetch, one after the other.
async function main() {
	for (let left = Number(process.argv[3]); left > 0; left--) {
		const answer = await fetch(process.argv[2]);
		process.stdout.write(await answer.text());
	}
}

main();
